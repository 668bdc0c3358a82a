"""Requests name sheets exactly as they are in the source."""

import pytest
from pydantic import ValidationError

from schemas.requests import ExcelSource, GoogleSheetsSource
from schemas.text import escape_invisible, unescape_invisible

NAMES = ["Данные ", " ", "Группы\u00a02025", "Студенты 👩\u200d🎓", "\u202eЧаты"]
FILE = {"path": "chats.xlsx"}


@pytest.mark.parametrize("name", NAMES)
def test_sheet_name_may_have_invisible_characters(name: str) -> None:
    excel = ExcelSource.model_validate({"type": "excel", "file": FILE, "sheet": name})
    assert excel.sheet == name
    google = GoogleSheetsSource.model_validate(
        {"type": "google_sheets", "spreadsheet_id": "x", "worksheet": name}
    )
    assert google.worksheet == name
    assert google.identifier == f"x/{escape_invisible(name)}"
    assert google.identifier.isprintable()


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b[1m", "\x00", "\ud800", "x" * 1001])
def test_invalid_sheet_name_is_rejected(name: str) -> None:
    with pytest.raises(ValidationError):
        ExcelSource.model_validate({"type": "excel", "file": FILE, "sheet": name})


@pytest.mark.parametrize("name", [*NAMES, "a\tb\\", "\\u00a0", "\\\\n", "\U000e0001", "\\U00110000"])
def test_escaped_name_round_trips(name: str) -> None:
    assert unescape_invisible(escape_invisible(name)) == name
