"""Sources of rows: workbooks, tables of other databases, Google Sheets."""
