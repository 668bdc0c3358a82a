"""A sheet is found by its exact name, and by the form in which errors show it."""

import pytest

from consumer.errors import MigrationError
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.sheet_choice import choose_sheet
from consumer.sources.sheet_names import format_names, match_name, quote_name
from schemas.text import MAX_NAME_CHARS
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES

BOOK = FIXTURES / "sheet_name_with_trailing_blank.xlsx"
NAMES = [
    "Данные ",
    " Данные",
    "Группы\u00a02025",
    "Студенты 👩\u200d🎓",
    "a\tb",
    "back\\slash",
    "\\u00a0",
    "«Чаты»",
    '"',
    "«»",
    "\U000e0001",
    "\u3000",
]


@pytest.mark.parametrize("name", NAMES)
def test_name_matches_exact_and_quoted_form(name: str) -> None:
    others = [f"{name}x", name.strip() or "x"]
    assert match_name([*others, name], name) == name
    assert match_name([*others, name], quote_name(name)) == name


@pytest.mark.parametrize("name", NAMES)
def test_quoted_name_has_no_invisible_character(name: str) -> None:
    assert quote_name(name).isprintable()


def test_exact_name_precedes_escaped_name() -> None:
    assert match_name(["\u00a0", "\\u00a0"], "\\u00a0") == "\\u00a0"


@pytest.mark.parametrize(
    "requested", ["Данные", "данные ", "Группы 2025", "\\ud800", "\\U00110000", "", "«", "«»"]
)
def test_similar_name_does_not_match(requested: str) -> None:
    assert match_name(["Данные ", "Группы\u00a02025"], requested) is None


def test_long_names_and_lists_are_cut() -> None:
    assert len(quote_name("я" * 1000)) == MAX_NAME_CHARS + 2
    assert format_names([str(number) for number in range(30)]).endswith("«19», …")


@pytest.mark.parametrize(
    ("requested", "group"),
    [
        ("Данные ", "Чат F07 1"),
        ("Группы\u00a02025", "Чат F07 11"),
        ("Группы\\u00a02025", "Чат F07 11"),
        ("«Данные »", "Чат F07 1"),
    ],
)
@pytest.mark.parametrize("low_memory", [False, True])
def test_sheets_with_blanks_in_their_names_are_read(requested: str, group: str, low_memory: bool) -> None:
    assert read_columns(BOOK, requested, low_memory=low_memory)["name"][0] == group


def test_names_in_errors_can_be_requested() -> None:
    with pytest.raises(MigrationError) as caught:
        read_columns(BOOK, "Данные")
    assert caught.value.code == "sheet_not_found"
    assert "Visible worksheets: «Справка», «Данные », «Группы\\u00a02025»." in caught.value.message


def test_hidden_chart_is_no_worksheet() -> None:
    sheets = [Sheet("График\u00a0", is_worksheet=False, is_visible=False), Sheet("Лист1")]
    with pytest.raises(MigrationError, match="is a chart"):
        choose_sheet(sheets, "«График\\u00a0»")
