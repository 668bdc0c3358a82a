"""Detects the format of a workbook by its content, never by its name."""

import struct
from enum import StrEnum
from pathlib import Path

from consumer.sources.excel.containers import ole, zip_container
from consumer.sources.excel.errors import damaged, encrypted, not_a_workbook

HEAD_BYTES = 4096
RECORD_HEADER = struct.Struct("<2H")
FILE_PASS = 0x2F
BEFORE_FILE_PASS = frozenset({0x09, 0x209, 0x409, 0x809, 0x86})
"""BOF of any version, and WriteProtect."""


class WorkbookKind(StrEnum):
    """Formats that can be read; the value is the file name's suffix."""

    XLSX = "xlsx"
    XLSB = "xlsb"
    XLS = "xls"
    ODS = "ods"


def sniff(path: Path, max_inflated_bytes: int) -> WorkbookKind:
    """The format of a workbook.

    Raises WorkbookError (`not_a_workbook`, `workbook_encrypted`, `workbook_damaged`) or SourceTooLargeError.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(zip_container.SIGNATURE):
        return _zip_kind(path, max_inflated_bytes)
    if head.startswith(ole.SIGNATURE):
        return _ole_kind(path)
    raise not_a_workbook(_describe_content(head))


def _zip_kind(path: Path, max_inflated_bytes: int) -> WorkbookKind:
    try:
        members = zip_container.inspect(path, max_inflated_bytes)
    except zip_container.ZipContainerError as error:
        raise damaged(str(error)) from None
    if members.is_encrypted:
        raise encrypted()
    if members.is_binary or "xl/workbook.bin" in members.names:
        return WorkbookKind.XLSB
    if members.mimetype.startswith(zip_container.SPREADSHEET_MIMETYPE):
        return WorkbookKind.ODS
    if members.is_workbook or any(name.startswith("xl/") for name in members.names):
        return WorkbookKind.XLSX
    raise not_a_workbook(_describe_archive(members))


def _describe_archive(members: zip_container.ZipMembers) -> str:
    folders = {name.split("/", 1)[0] for name in members.names}
    if "word" in folders or members.mimetype.endswith("opendocument.text"):
        return "is a text document"
    if "ppt" in folders or members.mimetype.endswith("opendocument.presentation"):
        return "is a presentation"
    if "index" in folders and any(name.endswith(".iwa") for name in members.names):
        return "is a document of Apple Numbers"
    return "is a zip archive without a workbook in it"


def _ole_kind(path: Path) -> WorkbookKind:
    try:
        streams = ole.stream_names(path)
    except ole.OleFileError as error:
        raise damaged(str(error)) from None
    if "encryptedpackage" in streams:
        raise encrypted()
    if names := streams & {"workbook", "book"}:
        return _xls_kind(path, max(names))  # a file for Excel 5 and 97 has both: Workbook is the newer one
    if "worddocument" in streams:
        raise not_a_workbook("is a Word document")
    if "powerpoint document" in streams:
        raise not_a_workbook("is a presentation")
    raise not_a_workbook("is an Office file without a workbook in it")


def _xls_kind(path: Path, stream: str) -> WorkbookKind:
    try:
        head = ole.stream_head(path, stream)
    except ole.OleFileError as error:
        raise damaged(str(error)) from None
    if has_file_pass(head):
        raise encrypted()
    return WorkbookKind.XLS


def has_file_pass(head: bytes) -> bool:
    """Whether an .xls is encrypted or obfuscated: FilePass is among its first records (MS-XLS 2.4.117)."""
    offset = 0
    while offset + RECORD_HEADER.size <= len(head):
        record_type, size = RECORD_HEADER.unpack_from(head, offset)
        if record_type not in BEFORE_FILE_PASS:
            return bool(record_type == FILE_PASS)
        offset += RECORD_HEADER.size + size
    return False


def _describe_content(head: bytes) -> str:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        return "is empty"
    if text.startswith(b"%PDF"):
        return "is a PDF"
    if b"Excel.Sheet" in head or b"urn:schemas-microsoft-com:office:spreadsheet" in head:
        return "is an XML spreadsheet of Excel 2003"
    if text.startswith(b"<"):
        return "is an HTML or XML page (some systems call such an export .xls)"
    if head[:1] == b"\x09" and head[1:2] in {b"\x00", b"\x02", b"\x04", b"\x08"}:
        return "is from an Excel older than 5.0"
    if b"\x00" not in head or head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "looks like text, perhaps CSV"
    return "has an unknown format"
