"""The text that a cell shows: paragraphs, line breaks, tabs and runs of blanks (ODF 1.3, 6.1.2)."""

import re

from consumer.sources.excel.sheet_handler import MAX_CHARS

BLANKS = " \t\r\n"
BLANK_RUN = re.compile(r"[ \t\r\n]{2,}|[\t\r\n]")
SPACE, TAB, BREAK = "\1", "\2", "\3"
"""Stand for what elements insert while blanks of the XML are collapsed: no XML holds these characters."""
INSERTED_CHARACTERS = str.maketrans({SPACE: " ", TAB: "\t", BREAK: "\n"})


class Paragraphs:
    """Collects the text of one cell, up to about `MAX_CHARS` characters."""

    def __init__(self) -> None:
        self._paragraphs: list[str] = []
        self._parts: list[str] = []
        self._left = MAX_CHARS
        self._has_inserted = False

    def add(self, text: str) -> None:
        """A piece of text of the current paragraph, CDATA or not."""
        if self._left > 0:
            self._parts.append(text[: self._left])
            self._left -= len(text)

    def insert(self, char: str, count: int = 1) -> None:
        """`SPACE`, `TAB` or `BREAK`, which an element of the current paragraph stands for."""
        self._has_inserted = True
        self.add(char * min(count, MAX_CHARS))

    def end_paragraph(self) -> None:
        """The current paragraph ends; another may follow."""
        text = self._parts[0] if len(self._parts) == 1 else "".join(self._parts)
        self._parts.clear()
        if "  " in text or not text.isprintable():
            text = BLANK_RUN.sub(" ", text)
        text = text.strip(BLANKS)
        if self._has_inserted:
            text = text.translate(INSERTED_CHARACTERS)
            self._has_inserted = False
        self._paragraphs.append(text)

    def take(self) -> str | None:
        """The paragraphs, a line each, or None where there is none; the next cell begins."""
        paragraphs = self._paragraphs
        if not paragraphs:
            return None
        text = paragraphs[0] if len(paragraphs) == 1 else "\n".join(paragraphs)
        paragraphs.clear()
        self._left = MAX_CHARS
        return text
