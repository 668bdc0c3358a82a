"""A workbook: its sheets one after another, then the parts that list them."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from consumer.xlsx import package_parts
from consumer.xlsx.formats import Formats
from consumer.xlsx.notes import comments_xml, shapes_xml
from consumer.xlsx.sheet import SheetLayout, SheetWriter

PART_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time of a ZIP archive: the same rows make the same file."""
COMPRESSION_LEVEL = 4


class WorkbookTooLargeError(Exception):
    """The parts of the workbook would have more bytes than allowed, before compression."""


class WorkbookWriter:
    """Writes a workbook to a file; `max_bytes` bounds its parts before compression.

    Every method that writes raises OSError and WorkbookTooLargeError; then the file is incomplete.
    """

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self._archive = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=COMPRESSION_LEVEL)
        self._remaining_bytes = max_bytes
        self._sheets: list[SheetLayout] = []
        self._numbers_with_notes: list[int] = []
        self.formats = Formats()
        self._write_part(package_parts.ROOT_RELATIONSHIPS, package_parts.root_relationships())

    @contextmanager
    def sheet(self, layout: SheetLayout) -> Iterator[SheetWriter]:
        """Write the next sheet; all of it within the block, and one sheet at a time."""
        self._sheets.append(layout)
        number = len(self._sheets)
        with self._archive.open(_part(package_parts.sheet_path(number)), "w") as part:

            def write(content: bytes) -> None:
                self._count(content)
                part.write(content)

            writer = SheetWriter(layout, write)
            yield writer
            writer.finish()
        if writer.notes:
            self._write_notes(number, writer)

    def close(self) -> None:
        """Write the parts that list the sheets, and complete the file."""
        for path, content in package_parts.closing_parts(self._sheets, self._numbers_with_notes):
            self._write_part(path, content)
        self._write_part(package_parts.STYLES, self.formats.xml())
        self._archive.close()

    def _write_notes(self, number: int, writer: SheetWriter) -> None:
        self._numbers_with_notes.append(number)
        self._write_part(package_parts.comments_path(number), comments_xml(writer.notes))
        self._write_part(package_parts.shapes_path(number), shapes_xml(writer.notes, number))
        self._write_part(
            package_parts.sheet_relationships_path(number), package_parts.sheet_relationships(number)
        )

    def _write_part(self, path: str, content: str) -> None:
        encoded = content.encode()
        self._count(encoded)
        self._archive.writestr(_part(path), encoded)

    def _count(self, content: bytes) -> None:
        self._remaining_bytes -= len(content)
        if self._remaining_bytes < 0:
            raise WorkbookTooLargeError


def _part(path: str) -> zipfile.ZipInfo:
    """The entry of a part, with nothing of this machine in it."""
    info = zipfile.ZipInfo(path, PART_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = 0
    return info
