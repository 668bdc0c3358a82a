"""The content of a stream of a compound file (MS-CFB 2.3 to 2.5), read and overwritten in its place."""

import struct
from array import array
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from consumer.sources.excel.ole import (
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
    """The stream of an open file; of several names the last one counts that is there.

    Raises ole.OleFileError for a container that makes no sense. In memory are four bytes for each sector of
    the file, and eight for each of the stream.
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
        """The bytes from a place on, fewer at the end of the stream."""
        size = min(size, self.size - offset)
        pieces = []
        while size > 0:
            place, span = self._contiguous_span(offset, size)
            self._file.seek(place)
            piece = self._file.read(span)
            if len(piece) < span:
                raise OleFileError(NOT_WHOLE)
            pieces.append(piece)
            offset, size = offset + span, size - span
        return b"".join(pieces)

    def write_byte(self, offset: int, byte: int) -> None:
        """Overwrite one byte."""
        place, _ = self._contiguous_span(offset, 1)
        self._file.seek(place)
        self._file.write(bytes([byte]))

    def _contiguous_span(self, offset: int, size: int) -> tuple[int, int]:
        """Where in the file a place of the stream is, and how many of the bytes wanted follow in a row."""
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
    """For each sector of the file the next one of its stream (MS-CFB 2.3, 2.5)."""
    most = file.seek(0, 2) // sector_bytes
    listed = list(struct.unpack_from(f"<{HEADER_ENTRIES}I", header, 76))
    (more,) = struct.unpack_from("<I", header, 68)
    while more < NO_SECTOR and len(listed) < most + HEADER_ENTRIES:
        *numbers, more = struct.unpack(f"<{sector_bytes // 4}I", read_sector(file, more, sector_bytes))
        listed += numbers
    tables = [number for number in listed if number < NO_SECTOR][: most // (sector_bytes // 4) + 1]
    return _read_table(file, tables, sector_bytes)


def _read_table(file: BinaryIO, sectors: Iterable[int], sector_bytes: int) -> "array[int]":
    entries = array("I")
    for number in sectors:
        entries.extend(struct.unpack(f"<{sector_bytes // 4}I", read_sector(file, number, sector_bytes)))
    return entries


def _sector_chain(table: "array[int]", sector: int) -> Iterator[int]:
    """The sectors of a stream, from its first on."""
    for _ in range(len(table)):
        if sector >= NO_SECTOR:
            return
        yield sector
        if sector >= len(table):
            raise OleFileError(NOT_WHOLE)
        sector = table[sector]


def _mini_sector_offsets(sectors: Iterator[int], root: list[int], sector_bytes: int) -> Iterator[int]:
    """Where in the file sectors of short streams are, which are all in the content of the root."""
    for sector in sectors:
        number, inside = divmod(sector * MINI_BYTES, sector_bytes)
        if number >= len(root):
            raise OleFileError(NOT_WHOLE)
        yield root[number] + inside
