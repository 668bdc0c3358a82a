"""The size of a sheet."""

MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576
