"""Generated chats, workbooks and tables, with the result that an import of them must report."""
