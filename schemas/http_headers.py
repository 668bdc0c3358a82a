"""HTTP headers and media types that the service and its clients share; headers in lower case."""

LOAD_HEADER = "migration-load"
"""The load of a CSV of rejected rows. After an incomplete download the `load` of a page shows whether another
load replaced it."""

XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
