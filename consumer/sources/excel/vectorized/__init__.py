"""The fast reader of .xlsx: finds cells by array operations of numpy; a parser reads only unusual rows."""
