"""The OLE container (MS-CFB) of .xls and of encrypted workbooks: names and first bytes of its streams."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

SIGNATURE = bytes.fromhex("D0CF11E0A1B11AE1")
HEADER_BYTES = 512
HEADER_ENTRIES = 109
"""Sectors of the allocation table that the header lists: enough for the directory."""
ENTRY_BYTES = 128
MAX_SECTORS = 1024
"""Limit of a chain, which allows 4,096 entries of the directory."""
MINI_BYTES = 64
"""Size of a sector of short streams, whose data is the content of the root entry (MS-CFB 2.2)."""
NO_SECTOR = 0xFFFFFFFA
"""Sector numbers from here on are reserved marks."""


class OleFileError(Exception):
    """The container is incomplete or invalid; the message is a clause that says how."""


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """A stream, a storage or the root: its name, first sector, and size in bytes."""

    name: str
    sector: int
    size: int


def stream_names(path: Path) -> frozenset[str]:
    """Names of streams and storages, in lower case. Raises OleFileError."""
    with path.open("rb") as file:
        return frozenset(entry.name for entry in read_entries(file, *read_header(file)))


def stream_head(path: Path, name: str) -> bytes:
    """The content of the first sector of a stream. Raises OleFileError."""
    with path.open("rb") as file:
        header, sector_bytes = read_header(file)
        entries = read_entries(file, header, sector_bytes)
        entry = next(entry for entry in entries if entry.name == name)
        if entry.size >= struct.unpack_from("<I", header, 56)[0]:
            return read_sector(file, entry.sector, sector_bytes)[: entry.size]
        offset = entry.sector * MINI_BYTES
        chain = _sector_chain(file, header, sector_bytes, entries[0].sector)
        sector = next(islice(chain, offset // sector_bytes, None), None)
        if sector is None:
            raise OleFileError("a part of it is missing")
        content = read_sector(file, sector, sector_bytes)[offset % sector_bytes :]
        return content[: min(entry.size, MINI_BYTES)]


def read_header(file: BinaryIO) -> tuple[bytes, int]:
    """The header, and the size of a sector in bytes. Raises OleFileError."""
    header = file.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        raise OleFileError("its end is missing, as if it had been copied or sent in part")
    (shift,) = struct.unpack_from("<H", header, 30)
    if shift not in {9, 12}:
        raise OleFileError("its container does not make sense")
    return header, 1 << shift


def read_entries(file: BinaryIO, header: bytes, sector_bytes: int) -> list[DirectoryEntry]:
    """The entries of the directory, the root first. Raises OleFileError."""
    entries = []
    for sector in _sector_chain(file, header, sector_bytes, *struct.unpack_from("<I", header, 48)):
        content = read_sector(file, sector, sector_bytes)
        for start in range(0, len(content), ENTRY_BYTES):
            length, kind = struct.unpack_from("<HB", content, start + 64)
            if kind and 2 <= length <= 64:
                name = content[start : start + length - 2].decode("utf-16-le", "replace").lower()
                entries.append(DirectoryEntry(name, *struct.unpack_from("<2I", content, start + 116)))
    if not entries:
        raise OleFileError("its directory is missing")
    return entries


def _sector_chain(file: BinaryIO, header: bytes, sector_bytes: int, sector: int) -> Iterator[int]:
    """The sectors of a chain from `sector` on, by the tables that the header lists."""
    tables = struct.unpack_from(f"<{HEADER_ENTRIES}I", header, 76)
    per_sector = sector_bytes // 4
    for _ in range(MAX_SECTORS):
        if sector >= NO_SECTOR:
            return
        yield sector
        table, index = divmod(sector, per_sector)
        if table >= HEADER_ENTRIES or tables[table] >= NO_SECTOR:
            return
        (sector,) = struct.unpack_from("<I", read_sector(file, tables[table], sector_bytes), index * 4)


def read_sector(file: BinaryIO, number: int, sector_bytes: int) -> bytes:
    """The content of a sector. Raises OleFileError if the file ends before."""
    file.seek((number + 1) * sector_bytes)
    content = file.read(sector_bytes)
    if len(content) < sector_bytes:
        raise OleFileError("a part of it is missing, as if it had been copied or sent in part")
    return content
