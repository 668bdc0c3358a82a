"""The compound file (OLE) of .xls and of encrypted workbooks: names of its streams, and how one begins."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

SIGNATURE = bytes.fromhex("D0CF11E0A1B11AE1")
HEADER_BYTES = 512
HEADER_ENTRIES = 109
"""So many sectors of the allocation table are listed in the header itself: more than enough here."""
ENTRY_BYTES = 128
MAX_SECTORS = 1024
"""How far a chain is followed: 4,096 entries of the directory."""
MINI_BYTES = 64
"""A sector of short streams, which together are the content of the root, the first entry (MS-CFB 2.2)."""
NO_SECTOR = 0xFFFFFFFA
"""Numbers from here on are marks, not sectors."""


class OleFileError(Exception):
    """The container is not whole; the text says how."""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A stream, storage or the root: where its content begins, and how many bytes it has."""

    name: str
    sector: int
    size: int


def stream_names(path: Path) -> frozenset[str]:
    """Names of streams and storages, in small letters. Raises Damaged."""
    with path.open("rb") as file:
        return frozenset(entry.name for entry in read_entries(file, *read_header(file)))


def stream_head(path: Path, name: str) -> bytes:
    """The first bytes of a stream: as many as its first sector holds. Raises Damaged."""
    with path.open("rb") as file:
        header, sector_bytes = read_header(file)
        entries = read_entries(file, header, sector_bytes)
        entry = next(entry for entry in entries if entry.name == name)
        if entry.size >= struct.unpack_from("<I", header, 56)[0]:
            return read_sector(file, entry.sector, sector_bytes)[: entry.size]
        at = entry.sector * MINI_BYTES
        chain = _sector_chain(file, header, sector_bytes, entries[0].sector)
        sector = next(islice(chain, at // sector_bytes, None), None)
        if sector is None:
            raise OleFileError("a part of it is missing")
        return read_sector(file, sector, sector_bytes)[at % sector_bytes :][: min(entry.size, MINI_BYTES)]


def read_header(file: BinaryIO) -> tuple[bytes, int]:
    """The header and the size of a sector."""
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        raise OleFileError("its end is missing, as if it had not been copied or sent whole")
    (shift,) = struct.unpack_from("<H", header, 30)
    if shift not in {9, 12}:
        raise OleFileError("its container does not make sense")
    return header, 1 << shift


def read_entries(file: BinaryIO, header: bytes, sector_bytes: int) -> list[DirectoryEntry]:
    """The directory: the root first. Raises Damaged."""
    entries = []
    for sector in _sector_chain(file, header, sector_bytes, *struct.unpack_from("<I", header, 48)):
        content = read_sector(file, sector, sector_bytes)
        for at in range(0, len(content), ENTRY_BYTES):
            length, kind = struct.unpack_from("<HB", content, at + 64)
            if kind and 2 <= length <= 64:
                name = content[at : at + length - 2].decode("utf-16-le", "replace").lower()
                entries.append(DirectoryEntry(name, *struct.unpack_from("<2I", content, at + 116)))
    if not entries:
        raise OleFileError("its directory is missing")
    return entries


def _sector_chain(file: BinaryIO, header: bytes, sector_bytes: int, sector: int) -> Iterator[int]:
    """The sectors of a chain, from its first on."""
    tables = struct.unpack_from(f"<{HEADER_ENTRIES}I", header, 76)
    per_sector = sector_bytes // 4
    for _ in range(MAX_SECTORS):
        if sector >= NO_SECTOR:
            return
        yield sector
        table, place = divmod(sector, per_sector)
        if table >= HEADER_ENTRIES or tables[table] >= NO_SECTOR:
            return
        (sector,) = struct.unpack_from("<I", read_sector(file, tables[table], sector_bytes), place * 4)


def read_sector(file: BinaryIO, number: int, sector_bytes: int) -> bytes:
    """The bytes of a sector. Raises Damaged where the file ends before."""
    file.seek((number + 1) * sector_bytes)
    content = file.read(sector_bytes)
    if len(content) < sector_bytes:
        raise OleFileError("a part of it is missing, as if it had not been copied or sent whole")
    return content
