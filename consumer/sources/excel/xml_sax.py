"""XML of workbook parts, read piece by piece by expat: no entities, no tree, names without prefixes."""

import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import ClassVar
from xml.parsers import expat

from consumer.sources.excel.bounded_xml import PIECE_BYTES, BoundedParser
from consumer.sources.excel.errors import damaged
from consumer.sources.excel.zip_container import ZipContainerError, translate_zip_errors

Attributes = Mapping[str, str]


class SaxHandler:
    """What happens at each element; names are local, attributes of namespaces keep `uri name`.

    Names of elements keep `uri name` too where `qualified` says so.
    """

    qualified: ClassVar[bool] = False

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A piece of text, as it comes."""

    def end(self, name: str) -> None:
        """An element ends."""


ByteFilter = Callable[[Iterator[bytes]], Iterator[bytes]]
"""Leaves out bytes of a part before they are parsed."""


def parse_member(
    archive: zipfile.ZipFile, member: str, handler: SaxHandler, byte_filter: ByteFilter = iter
) -> None:
    """Read a whole part."""
    for _ in parse_incrementally(archive, member, handler, byte_filter):
        pass


def parse_incrementally(
    archive: zipfile.ZipFile, member: str, handler: SaxHandler, byte_filter: ByteFilter = iter
) -> Iterator[None]:
    """Read a part, with a stop after each piece, so that what was found can be taken away."""
    parser = _parser(handler)
    with closing(read_member(archive, member)) as inflating:
        for piece in byte_filter(inflating):
            _feed(parser, piece)
            yield
    _feed(parser, b"", last=True)
    yield


def open_archive(path: Path) -> zipfile.ZipFile:
    """The container of a workbook."""
    with container_errors_as_damaged():
        return zipfile.ZipFile(path)


def find_member(archive: zipfile.ZipFile, member: str) -> str | None:
    """The member by its name, else but for case and slashes, which some writers take lightly."""
    if member in archive.NameToInfo:
        return member
    wanted = member.lower()
    return next((name for name in archive.namelist() if name.replace("\\", "/").lower() == wanted), None)


def read_member(archive: zipfile.ZipFile, member: str) -> Generator[bytes, None, None]:
    """The bytes of a part, in pieces. Raises WorkbookProblem where it is missing or not whole."""
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
    except (expat.ExpatError, LookupError, ValueError):  # the last two: an encoding that it does not know
        raise damaged("its XML cannot be read") from None


@contextmanager
def container_errors_as_damaged() -> Iterator[None]:
    """Turn what goes wrong with the container into WorkbookProblem."""
    try:
        with translate_zip_errors():
            yield
    except ZipContainerError as error:
        raise damaged(str(error)) from None


class _LocalNameCache(dict[str, str]):
    """Name with namespace → local name; there are few, and each comes a million times."""

    def __missing__(self, name: str) -> str:
        local = self[name] = name.rpartition(" ")[2]
        return local


class _LocalNameCallbacks:
    """Passes elements on under their local names."""

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
        parser.expat.CharacterDataHandler = None  # it would be called for each text, for nothing
    return parser


def _no_doctype(*_: object) -> None:
    raise damaged("its XML declares a document type, which no workbook needs")
