"""Parameters and rows of workbooks of rejected rows, and what is read back from one."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.worksheet.worksheet import Worksheet

from consumer.http.page.rejected_file_texts import choose_texts
from consumer.rejected_file.layout import METADATA_KEYS, METADATA_SHEET
from consumer.rejected_file.row_key import RowKey, record_digest
from consumer.rejected_file.writer_protocol import WorkbookParameters

COLUMNS = ("Ссылка на чат", "ИНН", "КПП", "Примечание")
FIELDS = {"url": "Ссылка на чат", "inn": "ИНН", "kpp": "КПП"}
INN_ERROR = {"field": "inn", "code": "inn", "message": "must have 10 or 12 digits"}


def make_parameters(language: str = "ru", columns: tuple[str, ...] = COLUMNS) -> WorkbookParameters:
    return WorkbookParameters(
        columns, FIELDS, choose_texts(language, None), dict.fromkeys(METADATA_KEYS, "1")
    )


def make_row(number: int = 7, **changes: Any) -> dict[str, Any]:
    """A rejected row as over HTTP, with a wrong ИНН."""
    record = {"Ссылка на чат": "https://max.ru/1", "ИНН": "0012", "КПП": None, "Примечание": "=1+1"}
    row = {
        "row_number": number,
        "record_identifier": "https://max.ru/1",
        "errors": [INN_ERROR],
        "record": record,
        "kinds": None,
        "record_cut": None,
    }
    return row | changes


def make_key(number: int) -> str:
    return str(RowKey(1, 1, 1, number, record_digest("{}")))


@dataclass(frozen=True)
class ReadWorkbook:
    """A workbook of rejected rows as openpyxl reads it."""

    sheets: list[Worksheet]
    metadata: dict[str, str]

    @classmethod
    def of(cls, content: bytes | Path) -> "ReadWorkbook":
        book = openpyxl.load_workbook(io.BytesIO(content) if isinstance(content, bytes) else content)
        metadata = book[METADATA_SHEET]
        assert metadata.sheet_state == "hidden"
        return cls(book.worksheets[:-1], dict(metadata.iter_rows(values_only=True)))  # type: ignore[arg-type]

    @property
    def header(self) -> tuple[Any, ...]:
        """The header of the first sheet."""
        return next(self.sheets[0].iter_rows(values_only=True))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of all sheets, by header."""
        return [
            dict(zip(self.header, row, strict=True))
            for sheet in self.sheets
            for row in sheet.iter_rows(min_row=2, values_only=True)
        ]
