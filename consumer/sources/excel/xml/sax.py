"""Streams XML parts of a workbook through expat: no doctype, no tree, names without prefixes."""

import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat

from consumer.sources.excel.containers.zip_container import ZipContainerError, translate_zip_errors
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.xml.bounded_parser import PIECE_BYTES, BoundedParser

Attributes = Mapping[str, str]


class SaxHandler:
    """Callbacks for elements and texts.

    Element names are local, or `uri name` if `qualified`. Attributes with a namespace are `uri name`.
    """

    qualified: ClassVar[bool] = False

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A piece of text, as it comes."""

    def end(self, name: str) -> None:
        """An element ends."""


ByteFilter = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Drops bytes of a part before they are parsed."""


def parse_member(
    archive: zipfile.ZipFile, member: str, handler: SaxHandler, byte_filter: ByteFilter = iter
) -> None:
    """Parse a whole part. Raises WorkbookError."""
    for _ in parse_incrementally(archive, member, handler, byte_filter):
        pass


def parse_incrementally(
    archive: zipfile.ZipFile, member: str, handler: SaxHandler, byte_filter: ByteFilter = iter
) -> Iterator[None]:
    """Parse a part, and yield after each piece, so that the caller can collect what the handler found."""
    parser = _parser(handler)
    with closing(read_member(archive, member)) as pieces:
        for piece in byte_filter(pieces):
            _feed(parser, piece)
            yield
    _feed(parser, b"", last=True)
    yield


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open the zip container of a workbook. Raises WorkbookError."""
    with container_errors_as_damaged():
        return zipfile.ZipFile(path)


def find_member(archive: zipfile.ZipFile, member: str) -> str | None:
    """The member's exact name, else a name that differs in case and slashes, which some writers vary."""
    if member in archive.NameToInfo:
        return member
    normalized = member.lower()
    return next((name for name in archive.namelist() if name.replace("\\", "/").lower() == normalized), None)


def read_member(archive: zipfile.ZipFile, member: str) -> Generator[bytes, None, None]:
    """The content of a part in pieces. Raises WorkbookError if it is missing or damaged."""
    name = find_member(archive, member)
    if name is None:
        raise damaged("a part of it is missing")
    with container_errors_as_damaged():
        source = archive.open(name)
    with source:
        while True:
            with container_errors_as_damaged():
                piece = source.read(PIECE_BYTES)
            if not piece:
                return
            yield piece


def _feed(parser: BoundedParser, piece: bytes, *, last: bool = False) -> None:
    try:
        parser.feed(piece, last=last)
    except (expat.ExpatError, LookupError, ValueError):  # the last two: an unknown encoding
        raise damaged("its XML cannot be read") from None


@contextmanager
def container_errors_as_damaged() -> Iterator[None]:
    """Replace errors of the zip container by WorkbookError."""
    try:
        with translate_zip_errors():
            yield
    except ZipContainerError as error:
        raise damaged(str(error)) from None


class _LocalNameCache(dict[str, str]):
    """`uri name` → local name, computed once for each of the few names."""

    def __missing__(self, name: str) -> str:
        local = self[name] = name.rpartition(" ")[2]
        return local


class _LocalNameCallbacks:
    """Calls a handler with local element names."""

    def __init__(self, handler: SaxHandler) -> None:
        self._local = _LocalNameCache()
        self._start, self.text, self._end = handler.start, handler.text, handler.end

    def start(self, name: str, attributes: Attributes) -> None:
        self._start(self._local[name], attributes)

    def end(self, name: str) -> None:
        self._end(self._local[name])


def _parser(handler: SaxHandler) -> BoundedParser:
    names = handler if handler.qualified else _LocalNameCallbacks(handler)
    parser = BoundedParser(names, damaged, separator=" ")
    parser.expat.StartDoctypeDeclHandler = _no_doctype
    if type(handler).text is SaxHandler.text:
        parser.expat.CharacterDataHandler = None  # saves a call for each text
    return parser


def _no_doctype(*_: object) -> None:
    raise damaged("its XML declares a document type, which no workbook needs")
