"""Texts of cells exactly as calamine 0.37 reads them: runs joined, blanks trimmed, escapes decoded."""

import re
import sys
from collections.abc import Mapping

from consumer.sources.excel.xml.bounded_parser import XML_WHITESPACE

SPACE_ATTRIBUTES = ("xml:space", "http://www.w3.org/XML/1998/namespace space")
"""The attribute's name from a parser without namespaces, and with them."""
ESCAPE = re.compile("_x00([0-9A-Fa-f+][0-9A-Fa-f])_")


class TextCollector:
    """Collects the `t` elements of one string, up to about `max_chars` characters."""

    def __init__(self, max_chars: int = sys.maxsize) -> None:
        self._max_chars = self._chars_left = max_chars
        self._parts: list[str] = []
        self._run: list[str] = []
        self._inside = self._preserve_space = self._phonetic = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element. Texts in `rPh` (phonetic guides), and elements in `t`, are ignored."""
        if self._inside:
            return
        if name == "t" and not self._phonetic:
            self._inside = True
            self._preserve_space = any(attributes.get(space) == "preserve" for space in SPACE_ATTRIBUTES)
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        """Add a piece of text."""
        if self._inside and self._chars_left > 0:
            self._run.append(text[: self._chars_left])
            self._chars_left -= len(text)

    def end(self, name: str) -> None:
        """End an element."""
        if name == "t" and self._inside:
            self._parts.append(trim_and_unescape("".join(self._run), preserve_space=self._preserve_space))
            self._run.clear()
            self._inside = False
        elif name == "rPh":
            self._phonetic = False

    def take(self) -> str:
        """Return the string, and begin the next."""
        text = "".join(self._parts)
        self._parts.clear()
        self._chars_left = self._max_chars
        return text


def trim_and_unescape(text: str, *, preserve_space: bool) -> str:
    """Trim unless `xml:space="preserve"`, then decode escapes, in this order."""
    return unescape(text if preserve_space else text.strip(XML_WHITESPACE))


def unescape(text: str) -> str:
    """Decode escapes such as `_x000D_`, a carriage return; only the first 256 characters are escaped."""
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x00" in text else text
