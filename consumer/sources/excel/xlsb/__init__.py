"""Reads .xlsb workbooks (MS-XLSB) row by row.

Calamine 0.37 is not used: it reads whole dates as numbers, skips rich texts and short cells, rejects
workbooks with macro sheets, and panics for missing shared strings.
"""
