"""XML of workbook parts, read piece by piece by expat: no entities, no tree, names without prefixes."""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from xml.parsers import expat

from consumer.sources.excel.problems import damaged

PIECE_BYTES = 1 << 18
Attributes = Mapping[str, str]


class Handler:
    """What happens at each element; names are local, attributes of namespaces keep `uri name`."""

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """A piece of text, as it comes."""

    def end(self, name: str) -> None:
        """An element ends."""


def parse(archive: zipfile.ZipFile, member: str, handler: Handler) -> None:
    """Read a whole part."""
    for _ in pieces(archive, member, handler):
        pass


def pieces(archive: zipfile.ZipFile, member: str, handler: Handler) -> Iterator[None]:
    """Read a part, with a stop after each piece, so that what was found can be taken away."""
    with part_errors(), archive.open(_found(archive, member)) as source:
        parser = _parser(handler)
        while piece := source.read(PIECE_BYTES):
            parser.Parse(piece, False)
            yield
        parser.Parse(b"", True)
        yield


@contextmanager
def part_errors() -> Iterator[None]:
    """Turn what zip and XML raise into our errors."""
    try:
        yield
    except expat.ExpatError:
        raise damaged("its XML cannot be read") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError):
        raise damaged("its zip container is not whole") from None


def _found(archive: zipfile.ZipFile, member: str) -> str:
    """The member by its name, else but for case and slashes, which some writers take lightly."""
    if member in archive.NameToInfo:
        return member
    wanted = member.lower()
    for name in archive.namelist():
        if name.replace("\\", "/").lower() == wanted:
            return name
    raise damaged("a part of it is missing")


class _Local(dict[str, str]):
    """Name with namespace → local name; there are few, and each comes a million times."""

    def __missing__(self, name: str) -> str:
        local = self[name] = name.rpartition(" ")[2]
        return local


def _parser(handler: Handler) -> expat.XMLParserType:
    local, start, end = _Local(), handler.start, handler.end
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = lambda name, attributes: start(local[name], attributes)
    parser.EndElementHandler = lambda name: end(local[name])
    parser.CharacterDataHandler = handler.text
    parser.StartDoctypeDeclHandler = _no_doctype
    return parser


def _no_doctype(*_: object) -> None:
    raise damaged("its XML declares a document type, which no workbook needs")
