"""The displayed text of a cell: paragraphs, line breaks, tabs, collapsed blanks (ODF 1.3, 6.1.2)."""

import re

from consumer.sources.excel.sheet_limits import MAX_CHARS
from consumer.sources.excel.xml.bounded_parser import XML_WHITESPACE

BLANK_RUN = re.compile(r"[ \t\r\n]{2,}|[\t\r\n]")
SPACE, TAB, BREAK = "\1", "\2", "\3"
"""Placeholders for inserted characters while blanks are collapsed; XML cannot contain these characters."""
INSERTED_CHARACTERS = str.maketrans({SPACE: " ", TAB: "\t", BREAK: "\n"})


class Paragraphs:
    """Collects the text of one cell, up to about MAX_CHARS characters."""

    def __init__(self) -> None:
        self._paragraphs: list[str] = []
        self._parts: list[str] = []
        self._chars_left = MAX_CHARS
        self._has_inserted = False

    def add(self, text: str) -> None:
        """Add a piece of text to the current paragraph."""
        if self._chars_left > 0:
            self._parts.append(text[: self._chars_left])
            self._chars_left -= len(text)

    def insert(self, char: str, count: int = 1) -> None:
        """Add SPACE, TAB or BREAK, `count` times, for an element of the current paragraph."""
        self._has_inserted = True
        self.add(char * min(count, MAX_CHARS))

    def end_paragraph(self) -> None:
        """End the current paragraph; another may follow."""
        text = self._parts[0] if len(self._parts) == 1 else "".join(self._parts)
        self._parts.clear()
        if "  " in text or not text.isprintable():
            text = BLANK_RUN.sub(" ", text)
        text = text.strip(XML_WHITESPACE)
        if self._has_inserted:
            text = text.translate(INSERTED_CHARACTERS)
            self._has_inserted = False
        self._paragraphs.append(text)

    def take(self) -> str | None:
        """Return the paragraphs, joined by line ends, or None if there is none; then begin the next cell."""
        paragraphs = self._paragraphs
        if not paragraphs:
            return None
        text = paragraphs[0] if len(paragraphs) == 1 else "\n".join(paragraphs)
        paragraphs.clear()
        self._chars_left = MAX_CHARS
        return text
