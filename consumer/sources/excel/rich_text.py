"""Texts of cells exactly as calamine 0.37 reads them: runs put together, blanks trimmed, escapes undone."""

import re
import sys
from collections.abc import Mapping

BLANKS = " \t\r\n"
"""What is trimmed around a text without `xml:space="preserve"`."""
SPACE_ATTRIBUTES = ("xml:space", "http://www.w3.org/XML/1998/namespace space")
"""The attribute's name from a parser that knows no namespaces, and from one that does."""
ESCAPE = re.compile("_x00([0-9A-Fa-f+][0-9A-Fa-f])_")


class TextCollector:
    """Collects the `t` elements of one string, up to about so many characters."""

    def __init__(self, max_chars: int = sys.maxsize) -> None:
        self._max_chars = self._left = max_chars
        self._parts: list[str] = []
        self._run: list[str] = []
        self._inside = self._preserve_space = self._phonetic = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins; `rPh` holds how to read Asian script. Those inside of a `t` do not matter."""
        if self._inside:
            return
        if name == "t" and not self._phonetic:
            self._inside = True
            self._preserve_space = any(attributes.get(space) == "preserve" for space in SPACE_ATTRIBUTES)
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        """A piece of text."""
        if self._inside and self._left > 0:
            self._run.append(text[: self._left])
            self._left -= len(text)

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "t" and self._inside:
            self._parts.append(trim_and_unescape("".join(self._run), preserve_space=self._preserve_space))
            self._run.clear()
            self._inside = False
        elif name == "rPh":
            self._phonetic = False

    def take(self) -> str:
        """The string; the next begins."""
        text = "".join(self._parts)
        self._parts.clear()
        self._left = self._max_chars
        return text


def trim_and_unescape(text: str, *, preserve_space: bool) -> str:
    """Trimmed, and only then with its escapes undone."""
    return unescape(text if preserve_space else text.strip(BLANKS))


def unescape(text: str) -> str:
    """`_x000D_` is a carriage return; only the first 256 characters are ever escaped so."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x00" in text else text
