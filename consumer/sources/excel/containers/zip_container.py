"""The zip container of .xlsx, .xlsb and .ods: its directory, checked before anything is inflated."""

import errno
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from consumer.errors import SourceTooLargeError

SIGNATURE = b"PK\x03\x04"
SPREADSHEET_MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"

WORKBOOK_TYPES = tuple(
    f"application/{kind}.main+xml"
    for kind in (
        "vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "vnd.openxmlformats-officedocument.spreadsheetml.template",
        "vnd.ms-excel.sheet.macroenabled",
        "vnd.ms-excel.template.macroenabled",
    )
)

BINARY_WORKBOOK_TYPE = "application/vnd.ms-excel.sheet.binary.macroenabled.main"

MAX_DIRECTORY_BYTES = 4 << 20
"""A workbook has dozens of members, with about 100 bytes each in the directory."""
END_RECORD = struct.Struct("<4s4H2LH")
END64_RECORD = struct.Struct("<4sQ2H2L4Q")
COMMENT_BYTES = 1 << 16
MANIFEST_BYTES = 1 << 20
INCOMPLETE = "its zip container is incomplete"


MALFORMED_ERRORS = (ValueError, OverflowError, struct.error)
"""Raised by `zipfile` for invalid numbers in the container."""


class ZipContainerError(Exception):
    """The container is incomplete or invalid; the message is a clause that says how."""


@dataclass(frozen=True, slots=True)
class ZipMembers:
    """Names of the members, in lower case with forward slashes, and what identifies the format."""

    names: frozenset[str]
    mimetype: str
    is_encrypted: bool
    is_workbook: bool = False
    """Whether the content types name an XML workbook, under any member name."""
    is_binary: bool = False
    """The same for a binary workbook (.xlsb)."""


def inspect(path: Path, max_inflated_bytes: int) -> ZipMembers:
    """Read the directory of the container. Raises ZipContainerError, SourceTooLargeError.

    The sizes in it may be false, so readers also keep the memory limit of the process.
    """
    _check_directory_size(path)
    with translate_zip_errors(), zipfile.ZipFile(path) as archive:
        _check_inflated_size(archive, max_inflated_bytes)
        return _members(archive)


@contextmanager
def translate_zip_errors() -> Iterator[None]:
    """Replace exceptions of `zipfile` for an invalid container by ZipContainerError."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EINVAL, None}:  # seek before the start, or bad bzip2; else the disk
            raise
        raise ZipContainerError(INCOMPLETE) from None
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, EOFError, *MALFORMED_ERRORS):
        raise ZipContainerError(INCOMPLETE) from None


def _members(archive: zipfile.ZipFile) -> ZipMembers:
    entries = archive.infolist()
    names = frozenset(entry.filename.replace("\\", "/").lower() for entry in entries)
    if any(entry.flag_bits & 1 for entry in entries):
        return ZipMembers(names, "", is_encrypted=True)
    mimetype = _member_text(archive, "mimetype").strip()
    manifest = _member_text(archive, "META-INF/manifest.xml") if mimetype else ""
    types = _member_text(archive, "[Content_Types].xml").lower()
    is_workbook = any(kind in types for kind in WORKBOOK_TYPES)
    return ZipMembers(
        names, mimetype, "encryption-data" in manifest, is_workbook, is_binary=BINARY_WORKBOOK_TYPE in types
    )


def _member_text(archive: zipfile.ZipFile, name: str) -> str:
    if name not in archive.NameToInfo:
        return ""
    with archive.open(name) as member:
        return member.read(MANIFEST_BYTES).decode("utf-8", "replace")


def _check_inflated_size(archive: zipfile.ZipFile, max_inflated_bytes: int) -> None:
    inflated = sum(entry.file_size for entry in archive.infolist())
    if inflated > max_inflated_bytes:
        raise SourceTooLargeError(
            f"Unpacked, the workbook would take {inflated >> 20:,} MB; "
            f"at most {max_inflated_bytes >> 20:,} MB are allowed. Split it into several workbooks."
        )


def _check_directory_size(path: Path) -> None:
    """Refuse a directory of millions of members: `zipfile` would make an object for each."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - COMMENT_BYTES - END_RECORD.size))
        tail = file.read()
        end = tail.rfind(b"PK\x05\x06")
        if end < 0 or len(tail) - end < END_RECORD.size:
            raise ZipContainerError("its end is missing, as if it had been copied or sent in part")
        directory_bytes = END_RECORD.unpack_from(tail, end)[5]
        end64 = tail.rfind(b"PK\x06\x06", 0, end)
        if end64 >= 0 and len(tail) - end64 >= END64_RECORD.size:
            directory_bytes = max(directory_bytes % 0xFFFFFFFF, END64_RECORD.unpack_from(tail, end64)[8])
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise SourceTooLargeError(
            "The workbook has tens of thousands of parts. Save it again in Excel, with the values only."
        )
