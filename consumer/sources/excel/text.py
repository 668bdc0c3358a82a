"""Text of cells in .xlsx: runs put together, readings of Asian scripts left out, escapes undone."""

import re

from consumer.sources.excel.markup import Attributes

MAX_CHARS = 1 << 16
"""Twice what Excel lets into a cell: enough to be rejected as too long, and no more is kept."""
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
XML_BLANKS = " \t\r\n"


class TextCollector:
    """Collects the `t` elements of one shared or inline string."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._run: list[str] = []
        self._chars = 0
        self._in_text = False
        self._keep_blanks = False
        self._phonetic = False

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        if name == "t":
            self._in_text = not self._phonetic
            self._keep_blanks = any(
                key.endswith("space") and value == "preserve" for key, value in attributes.items()
            )
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        """A piece of text."""
        if self._in_text and self._chars < MAX_CHARS:
            self._run.append(text[: MAX_CHARS - self._chars])
            self._chars += len(self._run[-1])

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "t" and self._in_text:
            run = "".join(self._run)
            self._parts.append(run if self._keep_blanks else run.strip(XML_BLANKS))
            self._run.clear()
            self._in_text = False
        elif name == "rPh":
            self._phonetic = False

    def take(self) -> str:
        """The string; the next begins."""
        text = "".join(self._parts)
        self._parts.clear()
        self._chars = 0
        return unescaped(text)


def unescaped(text: str) -> str:
    """`_x000D_` is a carriage return; what would be half a surrogate stays as written."""
    return ESCAPE.sub(_char, text) if "_x" in text else text


def _char(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return found[0] if 0xD800 <= code <= 0xDFFF else chr(code)
