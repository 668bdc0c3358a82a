"""What stands for rows that were handed out: their keys and identities in order, whatever the chunks."""

import hashlib
from array import array
from collections.abc import Sequence

from consumer.records import Cell, Chunk

DIGEST_CHARS = 32
END = "\x00"
NULL = "\ud800"
"""No text of Postgres holds either of them."""


class Digest:
    """Grows with the rows; `upto` is the key of the last one, None before the first."""

    def __init__(self, identity: Sequence[str]) -> None:
        self._keys = hashlib.sha256()
        self._texts = {field: hashlib.sha256() for field in identity}
        self.upto: int | None = None

    def add(self, chunk: Chunk) -> None:
        """Take in the rows of a chunk."""
        self._keys.update(array("q", chunk.positions).tobytes())
        for field, texts in self._texts.items():
            texts.update(_bytes(chunk.columns[field]))
        self.upto = chunk.positions[-1]

    def value(self) -> str:
        """The same for the same rows in the same order."""
        return "".join(part.hexdigest()[:DIGEST_CHARS] for part in (self._keys, *self._texts.values()))


def _bytes(texts: Sequence[Cell]) -> bytes:
    try:
        text = END.join(texts)  # type: ignore[arg-type]
    except TypeError:  # some are null
        text = END.join([NULL if text is None else str(text) for text in texts])
    return (text + END).encode(errors="surrogatepass")
