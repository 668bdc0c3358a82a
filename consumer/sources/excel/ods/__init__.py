"""Reads .ods workbooks (OpenDocument 1.3, part 3) row by row."""
