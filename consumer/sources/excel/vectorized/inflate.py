"""Members of a zip archive, unpacked piece by piece and checked against what the directory says of them."""

import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isal import igzip_lib, isal_zlib

from consumer.sources.excel.errors import damaged
from consumer.sources.excel.reader import UnsupportedByReaderError

READ_BYTES = 1 << 17
"""So much is read at once; a sheet unpacks to about ten times that."""
PIECE_BYTES = 1 << 20
"""No piece is longer: arrays over it stay in the processor's cache."""
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
RAW_DEFLATE = -15
INFLATE_ERROR: type[Exception] = igzip_lib.IsalError  # type: ignore[assignment]  # the stub has an instance


def inflate(path: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The pieces of a member.

    Raises WorkbookProblem where the member is cut off, its checksum is wrong, or it holds more than the
    directory says (so that the limit on unpacked bytes, checked there, holds); Unusual where it is packed
    in another way.
    """
    size = checksum = 0
    for piece in _pieces(path, member):
        size += len(piece)
        if size > member.file_size:
            raise damaged("a part of it holds more than its directory says")
        checksum = isal_zlib.crc32(piece, checksum)
        yield piece
    if size != member.file_size or checksum != member.CRC:
        raise damaged("a part of it is not whole")


@contextmanager
def checked_pieces(path: Path, member: zipfile.ZipInfo) -> Iterator[Iterator[bytes]]:
    """The pieces of a member, where damage goes before being unusual: calamine looks at no checksums."""
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
    raise UnsupportedByReaderError("a part is packed in another way than by deflate")


def _read_compressed(path: Path, member: zipfile.ZipInfo, size: int) -> Iterator[bytes]:
    """The bytes as they lie in the file: behind a header of their own, which is longer by two names."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        header = file.read(LOCAL_HEADER.size)
        if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
            raise damaged("its zip container is not whole")
        file.seek(sum(LOCAL_HEADER.unpack(header)[-2:]), 1)
        left = member.compress_size
        while left and (packed := file.read(min(size, left))):
            left -= len(packed)
            yield packed


def _decompress(packed: Iterator[bytes]) -> Iterator[bytes]:
    stream = isal_zlib.decompressobj(wbits=RAW_DEFLATE)
    try:
        for some in packed:
            piece = stream.decompress(some, PIECE_BYTES)
            while piece:
                yield piece
                piece = stream.decompress(stream.unconsumed_tail, PIECE_BYTES)
    except INFLATE_ERROR:
        raise damaged("a part of it cannot be unpacked") from None
