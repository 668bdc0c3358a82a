"""An expat parser whose work per byte is bounded for any XML.

Expat before 2.6.0 rescans an unfinished tag with every piece (CVE-2023-52425), handlers that keep a path
pay for its depth at each element, and each element's name includes its whole namespace. All three are
limited here, for any version of expat.
"""

from collections.abc import Callable, Mapping
from typing import Protocol
from xml.parsers import expat

PIECE_BYTES = 1 << 18
XML_WHITESPACE = " \t\r\n"
MAX_DEPTH = 64
"""Nested elements; rich text in a workbook takes 7."""
MAX_TOKEN_BYTES = 1 << 20
"""A tag with its attributes, a comment, or a processing instruction; texts are delivered in pieces."""
MAX_NAMESPACE_CHARS = 1_000
"""Namespaces of office formats have at most 100 characters."""

NESTED_TOO_DEEP = f"its XML nests elements more than {MAX_DEPTH} deep"
TAG_TOO_LONG = "its XML has a tag of more than 1 MB"
NAMESPACE_TOO_LONG = f"its XML has a namespace of more than {MAX_NAMESPACE_CHARS} characters"


class XmlCallbacks(Protocol):
    """Callbacks for elements and texts."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        ...

    def text(self, text: str) -> None:
        """A piece of text, as it comes."""
        ...

    def end(self, name: str) -> None:
        """An element ends."""
        ...


class _LimitedCallbacks:
    """Limits depth and namespaces. Has no reference to the parser, so that no cycle delays its release."""

    def __init__(self, handler: XmlCallbacks, make_error: Callable[[str], Exception]) -> None:
        self._handle_start, self._handle_end = handler.start, handler.end
        self._make_error = make_error
        self._depth = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._make_error(NESTED_TOO_DEEP)
        self._handle_start(name, attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        self._handle_end(name)

    def namespace(self, _prefix: str | None, uri: str | None) -> None:
        if len(uri or "") > MAX_NAMESPACE_CHARS:
            raise self._make_error(NAMESPACE_TOO_LONG)


class BoundedParser:
    """Parses a document in pieces; `make_error` makes the exception from a clause that names the limit."""

    def __init__(
        self,
        handler: XmlCallbacks,
        make_error: Callable[[str], Exception],
        *,
        encoding: str | None = None,
        separator: str | None = None,
    ) -> None:
        """`separator` joins namespace and local name; without it names keep their prefixes."""
        elements = _LimitedCallbacks(handler, make_error)
        self._make_error = make_error
        self._fed = 0
        self.expat = expat.ParserCreate(encoding, separator)
        self.expat.buffer_text = True
        self.expat.StartElementHandler = elements.start
        self.expat.EndElementHandler = elements.end
        self.expat.CharacterDataHandler = handler.text
        if separator is not None:
            self.expat.StartNamespaceDeclHandler = elements.namespace

    def feed(self, piece: bytes, *, last: bool = False) -> None:
        """Parse a piece of any size. Raises ExpatError, errors of the handler, and those of `make_error`."""
        for start in range(0, len(piece), PIECE_BYTES):
            self._parse(piece[start : start + PIECE_BYTES])
        if last:
            self.expat.Parse(b"", True)

    def _parse(self, piece: bytes) -> None:
        self.expat.Parse(piece, False)
        self._fed += len(piece)
        if self._fed - self.expat.CurrentByteIndex > MAX_TOKEN_BYTES:
            raise self._make_error(TAG_TOO_LONG)
