"""Texts of cells exactly as calamine 0.37 reads them: runs put together, blanks trimmed, escapes undone."""

import re
from collections.abc import Mapping, Sequence
from itertools import repeat

from consumer.sources.excel.reader import Unusual

BLANKS = " \t\r\n"
"""What is trimmed around a text without `xml:space="preserve"`."""
DOUBTFUL = ("&", "\r", "_x00")
"""Where none of these is, a text is as it stands in the XML, but for blanks around it."""
ESCAPE = re.compile("_x00([0-9A-Fa-f]{2})_")
REFERENCE = re.compile("&(?:(amp|lt|gt|quot|apos)|#([0-9]{1,7})|#x([0-9a-fA-F]{1,6}));|&")
NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class Collector:
    """Collects the `t` elements of one string."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._run: list[str] = []
        self._inside = self._keeps = self._phonetic = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins; `rPh` holds how to read Asian script."""
        if name == "t" and not self._phonetic:
            self._inside = True
            self._keeps = attributes.get("xml:space") == "preserve"
        elif name == "rPh":
            self._phonetic = True
        if name != "t" and self._inside:
            raise Unusual("a text holds elements")

    def text(self, text: str) -> None:
        """A piece of text."""
        if self._inside:
            self._run.append(text)

    def end(self, name: str) -> None:
        """An element ends."""
        if name == "t" and self._inside:
            self._parts.append(finished("".join(self._run), keeps_blanks=self._keeps))
            self._run.clear()
            self._inside = False
        elif name == "rPh":
            self._phonetic = False

    def take(self) -> str:
        """The string."""
        return "".join(self._parts)


def plain(texts: Sequence[str], *, keeps_blanks: bool = False) -> list[str]:
    """The texts of `t` elements that hold no others, as they stand in the XML."""
    joined = "".join(texts)
    if any(mark in joined for mark in DOUBTFUL):
        return [finished(dereferenced(text), keeps_blanks=keeps_blanks) for text in texts]
    return list(texts) if keeps_blanks else list(map(str.strip, texts, repeat(BLANKS)))


def finished(text: str, *, keeps_blanks: bool) -> str:
    """Trimmed, and only then with its escapes undone."""
    return unescaped(text if keeps_blanks else text.strip(BLANKS))


def dereferenced(text: str) -> str:
    """Line ends as XML wants them, and characters for `&amp;` or `&#10;`; Unusual for anything else."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return REFERENCE.sub(_character, text) if "&" in text else text


def unescaped(text: str) -> str:
    """`_x000D_` is a carriage return; only the first 256 characters are ever escaped so."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x00" in text else text


def _character(found: re.Match[str]) -> str:
    name, decimal, hexadecimal = found.groups()
    if name:
        return NAMED[name]
    code = int(decimal) if decimal else int(hexadecimal or "0", 16)
    if (code < 32 and code not in {9, 10, 13}) or 0xD800 <= code <= 0xDFFF or code > 0x10FFFD:
        raise Unusual("a text refers to a character that cannot be")
    return chr(code)
