"""Blanks are the characters nobody sees: controls, formats, and every kind of space and line end."""

import unicodedata

BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def is_blank(char: str) -> bool:
    """Whether nobody sees this character."""
    return unicodedata.category(char) in BLANK_CATEGORIES


def trimmed(text: str) -> str:
    """The text without blanks at either end."""
    start, end = 0, len(text)
    while start < end and is_blank(text[start]):
        start += 1
    while start < end and is_blank(text[end - 1]):
        end -= 1
    return text[start:end]
