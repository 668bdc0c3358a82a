"""The streaming reader of .xlsx: cells are found by array operations, never by a parser."""
