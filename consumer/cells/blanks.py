"""Blanks are the characters nobody sees: controls, formats, and every kind of space and line end."""

import unicodedata

BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def is_blank(char: str) -> bool:
    """Whether nobody sees this character."""
    return unicodedata.category(char) in BLANK_CATEGORIES


def has_blank(text: str) -> bool:
    """Whether a blank stands anywhere in the text."""
    return " " in text if text.isprintable() else any(map(is_blank, text))


def strip_blanks(text: str) -> str:
    """The text without blanks at either end."""
    if text.isprintable():  # no blank but the space: nearly every text there is
        return text.strip(" ")
    return text.strip("".join(filter(is_blank, set(text))))
