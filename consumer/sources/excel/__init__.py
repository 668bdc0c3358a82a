"""Reads workbooks: .xlsx, .xlsm, .xlsb, .xls and .ods.

`source` is the entry; `sniff` finds the format, `readers` chooses the readers of a format.
"""
