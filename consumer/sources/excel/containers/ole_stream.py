"""Reads and overwrites the content of a stream of an OLE container (MS-CFB 2.3 to 2.5)."""

import struct
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from consumer.sources.excel.containers.ole import (
    HEADER_ENTRIES,
    MINI_BYTES,
    NO_SECTOR,
    DirectoryEntry,
    OleFileError,
    read_entries,
    read_header,
    read_sector,
)

NOT_WHOLE = "a part of it is missing"


class OleStream:
    """A stream of an open file: of those with one of the names, the last in alphabetical order.

    Raises OleFileError for an invalid container. Holds four bytes in memory for each sector of the file, and
    eight for each sector of the stream.
    """

    def __init__(self, file: BinaryIO, names: frozenset[str]) -> None:
        self._file = file
        file.seek(0)
        header, sector_bytes = read_header(file)
        entries = read_entries(file, header, sector_bytes)
        table = _allocation_table(file, header, sector_bytes)
        entry = max((entry for entry in entries if entry.name in names), key=_entry_name, default=None)
        if entry is None:
            raise OleFileError(NOT_WHOLE)
        self.size = entry.size
        mini_limit, mini_table = struct.unpack_from("<2I", header, 56)
        if entry.size >= mini_limit:
            self._sector_bytes = sector_bytes
            self._offsets = array(
                "Q", ((number + 1) * sector_bytes for number in _sector_chain(table, entry.sector))
            )
        else:
            self._sector_bytes = MINI_BYTES
            mini = _read_table(file, _sector_chain(table, mini_table), sector_bytes)
            root = [(number + 1) * sector_bytes for number in _sector_chain(table, entries[0].sector)]
            self._offsets = array(
                "Q", _mini_sector_offsets(_sector_chain(mini, entry.sector), root, sector_bytes)
            )
        if len(self._offsets) * self._sector_bytes < self.size:
            raise OleFileError(NOT_WHOLE)

    def read(self, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, fewer at the end of the stream."""
        size = min(size, self.size - offset)
        pieces = []
        while size > 0:
            position, span = self._contiguous_span(offset, size)
            self._file.seek(position)
            piece = self._file.read(span)
            if len(piece) < span:
                raise OleFileError(NOT_WHOLE)
            pieces.append(piece)
            offset, size = offset + span, size - span
        return b"".join(pieces)

    def write_byte(self, offset: int, byte: int) -> None:
        """Overwrite the byte at `offset`."""
        position, _ = self._contiguous_span(offset, 1)
        self._file.seek(position)
        self._file.write(bytes([byte]))

    def _contiguous_span(self, offset: int, size: int) -> tuple[int, int]:
        """The position in the file of a stream offset, and how many of `size` bytes are contiguous there."""
        number, inside = divmod(offset, self._sector_bytes)
        first = self._offsets[number]
        last = number + 1
        while (last - number) * self._sector_bytes - inside < size and self._offsets[
            last : last + 1
        ] == array("Q", [first + (last - number) * self._sector_bytes]):
            last += 1
        return first + inside, min(size, (last - number) * self._sector_bytes - inside)


def _entry_name(entry: DirectoryEntry) -> str:
    return entry.name


def _allocation_table(file: BinaryIO, header: bytes, sector_bytes: int) -> "array[int]":
    """Sector → next sector of its stream (MS-CFB 2.3, 2.5)."""
    file_sectors = file.seek(0, 2) // sector_bytes
    listed = list(struct.unpack_from(f"<{HEADER_ENTRIES}I", header, 76))
    (next_list,) = struct.unpack_from("<I", header, 68)
    while next_list < NO_SECTOR and len(listed) < file_sectors + HEADER_ENTRIES:
        *numbers, next_list = struct.unpack(
            f"<{sector_bytes // 4}I", read_sector(file, next_list, sector_bytes)
        )
        listed += numbers
    tables = [number for number in listed if number < NO_SECTOR][: file_sectors // (sector_bytes // 4) + 1]
    return _read_table(file, tables, sector_bytes)


def _read_table(file: BinaryIO, sectors: Iterable[int], sector_bytes: int) -> "array[int]":
    entries = array("I")
    for number in sectors:
        entries.extend(struct.unpack(f"<{sector_bytes // 4}I", read_sector(file, number, sector_bytes)))
    return entries


def _sector_chain(table: "array[int]", sector: int) -> Iterator[int]:
    """The sectors of a stream from `sector` on, by the whole table."""
    for _ in range(len(table)):
        if sector >= NO_SECTOR:
            return
        yield sector
        if sector >= len(table):
            raise OleFileError(NOT_WHOLE)
        sector = table[sector]


def _mini_sector_offsets(sectors: Iterator[int], root: list[int], sector_bytes: int) -> Iterator[int]:
    """Positions in the file of sectors of short streams, which are in the content of the root."""
    for sector in sectors:
        number, inside = divmod(sector * MINI_BYTES, sector_bytes)
        if number >= len(root):
            raise OleFileError(NOT_WHOLE)
        yield root[number] + inside
