"""The zip container of .xlsx, .xlsb and .ods: what is in it, checked before anybody inflates it."""

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
"""A workbook has some dozens of members of about 100 bytes each in the directory."""
END_RECORD = struct.Struct("<4s4H2LH")
END64_RECORD = struct.Struct("<4sQ2H2L4Q")
COMMENT_BYTES = 1 << 16
MANIFEST_BYTES = 1 << 20
INCOMPLETE = "its zip container is not whole"


MALFORMED_ERRORS = (ValueError, OverflowError, struct.error)
"""Numbers in it that mean nothing."""


class ZipContainerError(Exception):
    """The container is not whole; the text says how."""


@dataclass(frozen=True, slots=True)
class ZipMembers:
    """Names as they are compared (small letters, forward slashes), and what tells the kind."""

    names: frozenset[str]
    mimetype: str
    is_encrypted: bool
    is_workbook: bool = False
    """Whether the content types name a workbook as the main part, wherever it is."""
    is_binary: bool = False
    """The same of an .xlsb."""


def inspect(path: Path, max_inflated_bytes: int) -> ZipMembers:
    """Look at the directory of the container.

    Sizes there can lie; who reads is bounded by the limits of the process. Raises Damaged, SourceTooLargeError.
    """
    _check_directory_size(path)
    with translate_zip_errors(), zipfile.ZipFile(path) as archive:
        _check_inflated_size(archive, max_inflated_bytes)
        return _members(archive)


@contextmanager
def translate_zip_errors() -> Iterator[None]:
    """Turn what `zipfile` raises for a container that makes no sense into Damaged."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EINVAL, None}:  # a place before the beginning, or bzip2; else the disk
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
    """Keep `zipfile`, which makes an object per member, from a directory of millions."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - COMMENT_BYTES - END_RECORD.size))
        tail = file.read()
        at = tail.rfind(b"PK\x05\x06")
        if at < 0 or len(tail) - at < END_RECORD.size:
            raise ZipContainerError("its end is missing, as if it had not been copied or sent whole")
        directory = END_RECORD.unpack_from(tail, at)[5]
        at = tail.rfind(b"PK\x06\x06", 0, at)
        if at >= 0 and len(tail) - at >= END64_RECORD.size:
            directory = max(directory % 0xFFFFFFFF, END64_RECORD.unpack_from(tail, at)[8])
    if directory > MAX_DIRECTORY_BYTES:
        raise SourceTooLargeError(
            "The workbook has tens of thousands of parts. Save it anew in Excel, with the values only."
        )
