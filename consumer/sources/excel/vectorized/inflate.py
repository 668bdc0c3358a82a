"""Inflates members of a zip archive piece by piece, and checks size and CRC against the directory."""

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isal import igzip_lib, isal_zlib

from consumer.sources.excel.errors import damaged
from consumer.sources.excel.reader_protocol import UnsupportedByReaderError

READ_BYTES = 1 << 17
"""Compressed bytes read at once; a sheet inflates to about ten times that."""
PIECE_BYTES = 1 << 20
"""Maximum of a piece: arrays over it fit into the processor's cache."""
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
RAW_DEFLATE = -15
INFLATE_ERROR: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # the stub has an instance


def inflate(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a member in pieces.

    Raises WorkbookError if the member is truncated, its CRC is wrong, or it is larger than the directory says
    (so the limit on inflated bytes, which is checked there, holds); UnsupportedByReaderError if it is
    compressed by another method than deflate.
    """
    size = checksum = 0
    for piece in _pieces(path, member):
        size += len(piece)
        if size > member.file_size:
            raise damaged("a part of it holds more than its directory says")
        checksum = isal_zlib.crc32(piece, checksum)
        yield piece
    if size != member.file_size or checksum != member.CRC:
        raise damaged("a part of it is incomplete")


@contextmanager
def checked_pieces(path: Path, member: zipfile.ZipInfo) -> Iterator[Iterator[bytes]]:
    """The content of a member in pieces.

    After UnsupportedByReaderError in the block the rest is read too: a damaged member must be reported here,
    since calamine, the next reader, checks no CRC.
    """
    pieces = inflate(path, member)
    try:
        yield pieces
    except UnsupportedByReaderError:
        for _ in pieces:
            pass
        raise


def _pieces(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    if member.compress_type == zipfile.ZIP_STORED:
        return _read_compressed(path, member, PIECE_BYTES)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        return _decompress(_read_compressed(path, member, READ_BYTES))
    raise UnsupportedByReaderError("a part is compressed by another method than deflate")


def _read_compressed(path: Path, member: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
    """The compressed bytes, which follow the local header, its file name and its extra field."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise damaged("its zip container is incomplete")
        file.seek(sum(LOCAL_HEADER.unpack(header)[-2:]), 1)
        remaining = member.compress_size
        while remaining and (compressed := file.read(min(size, remaining))):
            remaining -= len(compressed)
            yield compressed


def _decompress(compressed: Iterator[bytes]) -> Iterator[bytes]:
    stream = isal_zlib.decompressobj(wbits=RAW_DEFLATE)
    try:
        for part in compressed:
            piece = stream.decompress(part, PIECE_BYTES)
            while piece:
                yield piece
                piece = stream.decompress(stream.unconsumed_tail, PIECE_BYTES)
    except INFLATE_ERROR:
        raise damaged("a part of it cannot be unpacked") from None
