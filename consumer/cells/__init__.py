"""What sources and datasets share: chunks of rows, blank characters, spellings of error values."""
