"""Shared by sources and datasets: chunks of rows, blanks, limits of texts, spellings of error values."""
