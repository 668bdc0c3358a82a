"""Reads workbooks of the kind .xlsb (MS-XLSB) row by row.

Calamine 0.37 takes whole dates of them for numbers, passes over rich texts and short cells, refuses workbooks
with macro sheets, and panics over texts that are missing.
"""
