"""Writes `.xlsx` files (Office Open XML, ECMA-376) row by row, in constant memory, without other files.

Only what files for correction need: texts, numbers, dates, fills, notes, drop-downs, hidden columns and
sheets. No part of a file names its author, the program or the machine.
"""
