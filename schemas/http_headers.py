"""HTTP headers that the service and its clients share, in lower case."""

LOAD_HEADER = "migration-load"
"""The load of a CSV of rejected rows. After an incomplete download the `load` of a page shows whether another
load replaced it."""
