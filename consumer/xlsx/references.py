"""Names of columns: A to XFD."""

MAX_COLUMNS = 16_384
MAX_ROWS = 1_048_576


def column_letters(index: int) -> str:
    """The name of the column with this index from 0 on."""
    letters = ""
    number = index + 1
    while number:
        number, remainder = divmod(number - 1, 26)
        letters = chr(ord("A") + remainder) + letters
    return letters
