"""Fixtures of the extractor's tests: a workbook in an inbox, a directory for temporary files."""

from pathlib import Path

import pytest

from tests.support.workbooks import HEADER, data_rows, write_xlsx


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def workbook(inbox: Path) -> Path:
    """45 rows: physical rows 3 to 47, row 7 without a link."""
    rows: list[tuple[object, ...]] = [HEADER, *data_rows(45)]
    rows[5] = (rows[5][0], None, "без ссылки")
    return write_xlsx(inbox / "chats.xlsx", rows, first_row=2)
