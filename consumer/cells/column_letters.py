"""Columns by their letters, as spreadsheets show them: 0 is A, 26 is AA."""


def column_letter(column: int) -> str:
    """The letters of a column, counted from 0."""
    letters = ""
    number = column + 1
    while number:
        number, digit = divmod(number - 1, 26)
        letters = chr(ord("A") + digit) + letters
    return letters


def column_index(letters: str) -> int:
    """The column from 0 by its capital letters, which are not checked."""
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1
