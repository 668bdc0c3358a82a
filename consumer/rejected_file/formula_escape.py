"""Texts in CSV that a spreadsheet would evaluate: an apostrophe before them, and back."""

import re

APOSTROPHE = "'"
FORMULA_PREFIXES = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets evaluate a cell that starts with one of these (OWASP, "CSV injection")."""
PHONE_PATTERN = re.compile(r"\+?[0-9]{8,15}")
"""Evaluates to itself, and people copy phones from such files, so it is not escaped."""


def escape_formula(value: str) -> str:
    """The text with an apostrophe before it if a spreadsheet would evaluate it as a formula."""
    return APOSTROPHE + value if _is_formula(value) else value


def unescape_formula(value: str) -> str:
    """The text without the one apostrophe that `escape_formula` puts before it."""
    rest = value.removeprefix(APOSTROPHE)
    return rest if rest != value and _is_formula(rest) else value


def _is_formula(value: str) -> bool:
    if PHONE_PATTERN.fullmatch(value):
        return False
    return value.startswith(FORMULA_PREFIXES) or value.lstrip().startswith(FORMULA_PREFIXES)
