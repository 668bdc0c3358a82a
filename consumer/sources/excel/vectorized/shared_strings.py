"""The table of shared strings: cut at the tags by one `split` a piece, without a parser.

`<si><t>one</t></si><si><t>two</t></si>` becomes «one», «two». What stands between two cuts and still has a
tag in it (runs of rich text, empty elements) goes to a parser, and only that.
"""

from collections.abc import Iterable, Iterator, Mapping
from xml.parsers import expat

import numpy as np

from consumer.sources.excel.bounded_xml import BoundedParser
from consumer.sources.excel.reader import UnsupportedByReaderError
from consumer.sources.excel.rich_text import TextCollector, trim_and_unescape
from consumer.sources.excel.vectorized.entities import decode_entities, decode_texts
from consumer.sources.excel.vectorized.pool import Objects

OPENING, CLOSING = "<si><t>", "</t></si>"
OPENING_PRESERVE = '<si><t xml:space="preserve">'
PRESERVE_MARK = "\0"
"""Stands before a text whose blanks are kept; no XML can hold this character."""
MAX_PARSED_STRINGS = 50_000
MAX_PENDING_BYTES = 1 << 26


def read_shared_strings(pieces: Iterable[bytes]) -> Objects:
    """All strings, in order; Unusual where the table is not plain."""
    found: list[str] = []
    parser = _RichTextParser()
    for piece in _whole_strings(pieces):
        found += _strings(piece, parser)
    table = np.empty(len(found), object)
    table[:] = found
    return table


def _whole_strings(pieces: Iterable[bytes]) -> Iterator[str]:
    """Texts that end behind a string; what is around the table is left out."""
    rest = b""
    begun = False
    for piece in pieces:
        rest += piece
        if not begun:
            begun, rest = _skip_head(rest)
        if begun and (end := rest.rfind(b"</si>")) >= 0:
            yield _decode(rest[: end + 5])
            rest = rest[end + 5 :]
        if len(rest) > MAX_PENDING_BYTES:
            raise UnsupportedByReaderError("a shared string is very long")
    if not begun or not rest.lstrip().startswith((b"</sst>", b"<extLst>")):
        raise UnsupportedByReaderError("the table of shared strings has no plain end")


def _skip_head(rest: bytes) -> tuple[bool, bytes]:
    start = rest.find(b"<sst ")
    end = rest.find(b">", start)
    if start < 0 or end < 0:
        return False, rest
    head = rest[:start].removeprefix(b"\xef\xbb\xbf")
    if b"<!" in head or rest[end - 1 : end] == b"/" or not is_utf8(head):
        raise UnsupportedByReaderError("the table of shared strings has an unusual head")
    return True, rest[end + 1 :]


def is_utf8(head: bytes) -> bool:
    """Whether XML that begins so is in UTF-8."""
    _, declared, name = head.partition(b"encoding=")
    return not declared or name[1:6].lower() == b"utf-8"


def _decode(piece: bytes) -> str:
    if b"\0" in piece:
        raise UnsupportedByReaderError("a shared string holds a character that cannot be")
    try:
        return piece.decode()
    except UnicodeDecodeError:
        raise UnsupportedByReaderError("a shared string is not UTF-8") from None


def _strings(piece: str, parser: "_RichTextParser") -> list[str]:
    """The strings of a piece. A tag put at either end makes an empty string, taken away again."""
    text = piece.replace(OPENING_PRESERVE, OPENING + PRESERVE_MARK)
    parts = (CLOSING + text + OPENING).split(CLOSING + OPENING)
    if text.count("<") != 4 * (len(parts) - 2):
        parts = [string for part in parts for string in parser.parse(part)]
    elif PRESERVE_MARK in text:
        parts = [_finish_text(part) for part in parts]
    else:
        parts = decode_texts(parts)
    return parts[1:-1]


def _finish_text(part: str) -> str:
    keeps = part.startswith(PRESERVE_MARK)
    return trim_and_unescape(decode_entities(part[keeps:]), preserve_space=keeps)


class _RichTextParser:
    """Parses what lies between two cuts and is more than a text."""

    def __init__(self) -> None:
        self._left = MAX_PARSED_STRINGS
        self._path: list[str] = []
        self._text = TextCollector()
        self._found: list[str] = []

    def parse(self, part: str) -> list[str]:
        """The strings of a part, which lacks the tags before and behind it."""
        if "<" not in part:
            return [_finish_text(part)]
        self._left -= 1
        if not self._left:
            raise UnsupportedByReaderError("most shared strings are rich text")
        return self._parse((OPENING + part + CLOSING).replace(OPENING + PRESERVE_MARK, OPENING_PRESERVE))

    def _parse(self, text: str) -> list[str]:
        self._path, self._found = [], []
        parser = BoundedParser(self, UnsupportedByReaderError, encoding="UTF-8")
        xml = parser.expat
        xml.CommentHandler = xml.StartCdataSectionHandler = xml.ProcessingInstructionHandler = _reject_markup
        try:
            parser.feed(f"<sst>{text}</sst>".encode(), last=True)
        except expat.ExpatError:
            raise UnsupportedByReaderError("the XML of a shared string cannot be read") from None
        return self._found

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._path.append(name)
        if name == "si":
            self._text = TextCollector()
        if self._path[:2] != ["sst", "si"][: len(self._path)] or self._path.count("si") > 1:
            raise UnsupportedByReaderError("there is something unknown among the shared strings")
        self._text.start(name, attributes)

    def text(self, text: str) -> None:
        """A piece of text."""
        self._text.text(text)

    def end(self, name: str) -> None:
        """An element ends."""
        self._path.pop()
        self._text.end(name)
        if name == "si":
            self._found.append(self._text.take())


def _reject_markup(*_: object) -> None:
    raise UnsupportedByReaderError("there are comments or the like among the shared strings")
