"""From the source of a request to the one who reads it."""

from collections.abc import Mapping
from typing import Any

from consumer.errors import RequestRefused
from consumer.sources.base import Reading, Source
from schemas.codes import ErrorCode


def open_source(spec: Mapping[str, Any], reading: Reading) -> Source:
    """The reader for a source by its `type`; nothing is read before its `open`. Raises RequestRefused."""
    match spec["type"]:
        case "excel":
            from consumer.sources.excel.source import ExcelSource

            return ExcelSource(spec, reading)
        case "database":
            from consumer.sources.database.source import DatabaseSource

            return DatabaseSource(spec, reading)
        case "google_sheets":
            from consumer.sources.google_sheets.source import GoogleSheetsSource

            return GoogleSheetsSource(spec, reading)
        case other:
            raise RequestRefused(
                ErrorCode.UNSUPPORTED_SOURCE,
                f"This service does not read sources of type «{other}»: "
                "send a workbook, or name a database or a Google spreadsheet.",
            )
