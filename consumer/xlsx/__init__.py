"""Writes `.xlsx` files (ECMA-376, Office Open XML) row by row, in constant memory and without temporary files.

Only what files for correction need: text, numbers, dates, fills, notes, drop-downs, hidden columns and sheets.
No part of a file names its author, the program or the machine.
"""
