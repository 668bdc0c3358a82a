"""Reads .xls workbooks (BIFF 5 and 8): cells through calamine, the rest from the records of the file."""
