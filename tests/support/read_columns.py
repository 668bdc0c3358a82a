"""Reads a workbook as the source does: detects its format, chooses reader and sheet, finds the header."""

import shutil
import tempfile
from pathlib import Path

from consumer.cells.chunks import Cell
from consumer.datasets.base import ColumnSpec
from consumer.sources.base import SourceConfig
from consumer.sources.excel.source import ExcelSource
from tests.support.tiny_dataset import FIELDS

Columns = dict[str, list[Cell]]


def read_columns(
    path: Path, sheet: str | None = None, *, fields: ColumnSpec = FIELDS, low_memory: bool = False
) -> Columns:
    """Field → all its cells below the header; raises MigrationError."""
    with tempfile.TemporaryDirectory() as folder:
        inbox, scratch = Path(folder, "inbox"), Path(folder, "scratch")
        inbox.mkdir()
        scratch.mkdir()
        shutil.copy(path, inbox / "book")
        reading = SourceConfig(fields, 1000, scratch, inbox, 1 << 30, low_memory=low_memory)
        source = ExcelSource({"type": "excel", "file": {"path": "book"}, "sheet": sheet}, reading)
        try:
            source.open()
            found: Columns = {}
            for chunk in source.chunks():
                for field, cells in chunk.columns.items():
                    found.setdefault(field, []).extend(cells)
            return found
        finally:
            source.close()
