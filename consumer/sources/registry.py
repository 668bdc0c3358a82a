"""Source type of a request → class that reads it."""

from collections.abc import Mapping
from typing import Any

from consumer.errors import UnresolvableRequestError
from consumer.sources.base import Source, SourceConfig
from schemas.codes import ErrorCode


def open_source(spec: Mapping[str, Any], config: SourceConfig) -> Source:
    """The source for `spec["type"]`, not opened yet. Raises UnresolvableRequestError: `unsupported_source`.

    Modules are imported here: a child process reads one source, and starts often.
    """
    match spec["type"]:
        case "excel":
            from consumer.sources.excel.source import ExcelSource

            return ExcelSource(spec, config)
        case "database":
            from consumer.sources.database.source import DatabaseSource

            return DatabaseSource(spec, config)
        case "google_sheets":
            from consumer.sources.google_sheets.source import GoogleSheetsSource

            return GoogleSheetsSource(spec, config)
        case other:
            raise UnresolvableRequestError(
                ErrorCode.UNSUPPORTED_SOURCE,
                f"This service does not read sources of type «{other}»: "
                "send a workbook, or name a database or a Google spreadsheet.",
            )
