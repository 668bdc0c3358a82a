"""Limits of texts, and the characters that Postgres cannot store in one."""

import re

MAX_TEXT_CHARS = 32_767
"""Characters; what an Excel cell can hold."""
MAX_RAW_TEXT_CHARS = 4 * MAX_TEXT_CHARS
"""Characters before NFC, which composes at most four into one: a longer text stays too long."""
TRUNCATION_MARK = "…"
"""Follows a text that was cut. A text that was too long for its rule stays too long."""
UNSTORABLE_PATTERN = re.compile(
    "[\x00\ud800-\udfff]"
    # The same as Excel writes them; a high surrogate followed by a low one is a character.
    "|_x0000_"
    "|_x[dD][89abAB][0-9a-fA-F]{2}_(?!_x[dD][c-fC-F][0-9a-fA-F]{2}_)"
    "|(?<!_x[dD][89abAB][0-9a-fA-F]{2}_)_x[dD][c-fC-F][0-9a-fA-F]{2}_"
)


def is_storable(text: str) -> bool:
    """Whether the text has neither a NUL nor a lone surrogate, as characters or as Excel's escapes."""
    return ("_x" not in text and text.isprintable()) or UNSTORABLE_PATTERN.search(text) is None


def escape_unstorable(text: str) -> str:
    """The text with NULs and surrogates as visible escapes: `\\u0000`, `\\ud83d`."""
    if text.isprintable():
        return text
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
