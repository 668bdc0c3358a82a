"""Blanks: characters that leave no mark, which are controls, formats and all spaces and line ends."""

import unicodedata

BLANK_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode categories."""


def is_blank(char: str) -> bool:
    """Whether this character is a blank."""
    return unicodedata.category(char) in BLANK_CATEGORIES


def is_blank_text(text: str) -> bool:
    """Whether the text has no visible character."""
    if text.isprintable():  # its only blank is the space
        return not text.strip(" ")
    return all(map(is_blank, text))


def has_blank(text: str) -> bool:
    """Whether the text has a blank anywhere."""
    return " " in text if text.isprintable() else any(map(is_blank, text))


def strip_blanks(text: str) -> str:
    """The text without blanks at either end."""
    if text.isprintable():  # its only blank is the space; true of nearly every text
        return text.strip(" ")
    return text.strip("".join(filter(is_blank, set(text))))
