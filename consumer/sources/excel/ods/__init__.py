"""Reads workbooks of the kind .ods (OpenDocument 1.3, part 3) row by row."""
