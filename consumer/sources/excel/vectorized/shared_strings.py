"""Reads the shared strings by one `str.split` at the tags for each piece, without a parser.

`<si><t>one</t></si><si><t>two</t></si>` becomes «one», «two». Only parts that still contain a tag after the
split (rich text, empty elements) go to a parser.
"""

from collections.abc import Iterable, Iterator, Mapping
from xml.parsers import expat

import numpy as np

from consumer.sources.excel.reader_protocol import UnsupportedByReaderError
from consumer.sources.excel.vectorized.entities import decode_entities, decode_texts
from consumer.sources.excel.vectorized.pool import Objects
from consumer.sources.excel.xlsx.rich_text import TextCollector, trim_and_unescape
from consumer.sources.excel.xml.bounded_parser import BoundedParser

OPENING, CLOSING = "<si><t>", "</t></si>"
OPENING_PRESERVE = '<si><t xml:space="preserve">'
PRESERVE_MARK = "\0"
"""Prefix of a text whose blanks are preserved; XML cannot contain this character."""
MAX_PARSED_STRINGS = 50_000
MAX_PENDING_BYTES = 1 << 26


def read_shared_strings(pieces: Iterable[bytes]) -> Objects:
    """All strings in order. Raises UnsupportedByReaderError for unusual XML."""
    strings: list[str] = []
    parser = _RichTextParser()
    for piece in _whole_strings(pieces):
        strings += _strings(piece, parser)
    table = np.empty(len(strings), object)
    table[:] = strings
    return table


def _whole_strings(pieces: Iterable[bytes]) -> Iterator[str]:
    """The XML inside of `sst`, in texts that end with a whole string."""
    pending = b""
    in_table = False
    for piece in pieces:
        pending += piece
        if not in_table:
            in_table, pending = _skip_head(pending)
        if in_table and (end := pending.rfind(b"</si>")) >= 0:
            yield _decode(pending[: end + 5])
            pending = pending[end + 5 :]
        if len(pending) > MAX_PENDING_BYTES:
            raise UnsupportedByReaderError("a shared string is very long")
    if not in_table or not pending.lstrip().startswith((b"</sst>", b"<extLst>")):
        raise UnsupportedByReaderError("the table of shared strings has an unusual end")


def _skip_head(data: bytes) -> tuple[bool, bytes]:
    """True and what follows the `sst` tag; False and all of `data` if the tag is incomplete."""
    start = data.find(b"<sst ")
    end = data.find(b">", start)
    if start < 0 or end < 0:
        return False, data
    head = data[:start].removeprefix(b"\xef\xbb\xbf")
    if b"<!" in head or data[end - 1 : end] == b"/" or not is_utf8(head):
        raise UnsupportedByReaderError("the table of shared strings has an unusual head")
    return True, data[end + 1 :]


def is_utf8(head: bytes) -> bool:
    """Whether XML with this beginning is in UTF-8."""
    _, declared, name = head.partition(b"encoding=")
    return not declared or name[1:6].lower() == b"utf-8"


def _decode(piece: bytes) -> str:
    if b"\0" in piece:
        raise UnsupportedByReaderError("a shared string contains a NUL")
    try:
        return piece.decode()
    except UnicodeDecodeError:
        raise UnsupportedByReaderError("a shared string is not UTF-8") from None


def _strings(piece: str, parser: "_RichTextParser") -> list[str]:
    """The strings of a piece. A tag added at either end makes an empty string, which is removed again."""
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
    preserve = part.startswith(PRESERVE_MARK)
    return trim_and_unescape(decode_entities(part[preserve:]), preserve_space=preserve)


class _RichTextParser:
    """Parses parts that are more than a text, MAX_PARSED_STRINGS at most."""

    def __init__(self) -> None:
        self._parts_left = MAX_PARSED_STRINGS
        self._path: list[str] = []
        self._text = TextCollector()
        self._strings: list[str] = []

    def parse(self, part: str) -> list[str]:
        """The strings of a part, whose first and last tags were removed by the split."""
        if "<" not in part:
            return [_finish_text(part)]
        self._parts_left -= 1
        if not self._parts_left:
            raise UnsupportedByReaderError("most shared strings are rich text")
        return self._parse((OPENING + part + CLOSING).replace(OPENING + PRESERVE_MARK, OPENING_PRESERVE))

    def _parse(self, text: str) -> list[str]:
        self._path, self._strings = [], []
        parser = BoundedParser(self, UnsupportedByReaderError, encoding="UTF-8")
        xml = parser.expat
        xml.CommentHandler = xml.StartCdataSectionHandler = xml.ProcessingInstructionHandler = _reject_markup
        try:
            parser.feed(f"<sst>{text}</sst>".encode(), last=True)
        except expat.ExpatError:
            raise UnsupportedByReaderError("the XML of a shared string cannot be read") from None
        return self._strings

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Begin an element."""
        self._path.append(name)
        if name == "si":
            self._text = TextCollector()
        if self._path[:2] != ["sst", "si"][: len(self._path)] or self._path.count("si") > 1:
            raise UnsupportedByReaderError("there is an unknown element among the shared strings")
        self._text.start(name, attributes)

    def text(self, text: str) -> None:
        """Add a piece of text."""
        self._text.text(text)

    def end(self, name: str) -> None:
        """End an element."""
        self._path.pop()
        self._text.end(name)
        if name == "si":
            self._strings.append(self._text.take())


def _reject_markup(*_: object) -> None:
    raise UnsupportedByReaderError("there are comments or the like among the shared strings")
