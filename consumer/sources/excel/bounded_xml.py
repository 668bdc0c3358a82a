"""An expat parser whose work per byte is bounded, whatever the XML.

Expat before 2.6.0 scans an unfinished tag from its beginning with every piece it is fed (CVE-2023-52425),
handlers that keep a path pay for its depth at each element, and the name of each element carries its whole
namespace. So all three are bounded here, on whichever expat there is.
"""

from collections.abc import Callable, Mapping
from typing import Protocol
from xml.parsers import expat

PIECE_BYTES = 1 << 18
MAX_DEPTH = 64
"""Elements one inside the other; rich text in a workbook takes 7."""
MAX_TOKEN_BYTES = 1 << 20
"""A tag with its attributes, a comment, or a processing instruction; texts come in pieces anyway."""
MAX_NAMESPACE_CHARS = 1_000
"""Those of office formats have at most 100."""

NESTED_TOO_DEEP = f"its XML nests elements more than {MAX_DEPTH} deep"
TAG_TOO_LONG = "its XML has a tag of more than 1 MB"
NAMESPACE_TOO_LONG = f"its XML has a namespace of more than {MAX_NAMESPACE_CHARS} characters"


class XmlCallbacks(Protocol):
    """What happens at each element and text."""

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
    """Counts the depth. It knows nothing of the parser: a cycle would keep each until a collection."""

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
    """Parses pieces of a document; `refuse` makes the error, from a clause that says what is too much."""

    def __init__(
        self,
        handler: XmlCallbacks,
        make_error: Callable[[str], Exception],
        *,
        encoding: str | None = None,
        separator: str | None = None,
    ) -> None:
        """`separator` stands between a namespace and a local name; without one prefixes stay."""
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
        """Parse a piece of any size; raises ExpatError, what the handler raises, and what `refuse` makes."""
        for start in range(0, len(piece), PIECE_BYTES):
            self._parse(piece[start : start + PIECE_BYTES])
        if last:
            self.expat.Parse(b"", True)

    def _parse(self, piece: bytes) -> None:
        self.expat.Parse(piece, False)
        self._fed += len(piece)
        if self._fed - self.expat.CurrentByteIndex > MAX_TOKEN_BYTES:
            raise self._make_error(TAG_TOO_LONG)
