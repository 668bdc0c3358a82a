"""Qualified names of OpenDocument elements and attributes, as expat reports them: `uri local`."""

_ODF = "urn:oasis:names:tc:opendocument:xmlns"
OFFICE, TABLE, TEXT, STYLE = (f"{_ODF}:{name}:1.0 " for name in ("office", "table", "text", "style"))
CALCEXT = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 "
"""LibreOffice's extension, by which it marks cells with an error."""

SPREADSHEET = f"{OFFICE}spreadsheet"
TABLE_ELEMENT = f"{TABLE}table"
NAME = f"{TABLE}name"
STYLE_NAME = f"{TABLE}style-name"
COLUMNS_REPEATED = f"{TABLE}number-columns-repeated"
ROWS_REPEATED = f"{TABLE}number-rows-repeated"
