"""A digest of rows: of their keys and identity fields in order, independent of the size of chunks."""

import hashlib
from array import array
from collections.abc import Sequence

from consumer.cells.chunks import Cell, Chunk

DIGEST_CHARS = 32
TEXT_END = "\x00"
NULL_MARK = "\ud800"
"""Neither can occur in a text of Postgres."""


class RowsDigest:
    """A running digest; `last_key` is the key of the last row added, None before the first."""

    def __init__(self, identity: Sequence[str]) -> None:
        self._keys = hashlib.sha256()
        self._texts = {field: hashlib.sha256() for field in identity}
        self.last_key: int | None = None

    def add(self, chunk: Chunk) -> None:
        """Add the rows of a chunk."""
        self._keys.update(array("q", chunk.positions).tobytes())
        for field, texts in self._texts.items():
            texts.update(_encode_texts(chunk.columns[field]))
        self.last_key = chunk.positions[-1]

    def hexdigest(self) -> str:
        """DIGEST_CHARS hex digits for the keys and for each identity field."""
        return "".join(part.hexdigest()[:DIGEST_CHARS] for part in (self._keys, *self._texts.values()))


def _encode_texts(texts: Sequence[Cell]) -> bytes:
    try:
        text = TEXT_END.join(texts)  # type: ignore[arg-type]
    except TypeError:  # some texts are null
        text = TEXT_END.join([NULL_MARK if text is None else str(text) for text in texts])
    return (text + TEXT_END).encode(errors="surrogatepass")
