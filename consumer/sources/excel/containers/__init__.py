"""Containers of workbooks: zip (.xlsx, .xlsb, .ods) and OLE (.xls, encrypted workbooks)."""
