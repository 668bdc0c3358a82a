"""Error texts of Excel, Google and LibreOffice, in English and in Russian."""

import pytest

from consumer.cells.error_texts import ERROR_TEXT_PREFIXES, ERROR_TEXTS, is_error_text
from consumer.datasets.chats import bulk_check
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.result import Valid
from consumer.datasets.chats.rules.text import short_text, text
from schemas.codes import WarningCode

SPELLINGS = [
    "#DIV/0!",
    "#N/A",
    "#NAME?",
    "#NULL!",
    "#NUM!",
    "#REF!",
    "#VALUE!",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#UNKNOWN!",
    "#BUSY!",
    "#EXTERNAL!",
    "#PYTHON!",
    "#ДЕЛ/0!",
    "#Н/Д",
    "#ИМЯ?",
    "#ПУСТО!",
    "#ЧИСЛО!",
    "#ССЫЛКА!",
    "#ЗНАЧ!",
    "#ПЕРЕНОС!",
    "#ВЫЧИСЛ!",
    "#ERROR!",
    "Loading...",
    "Загрузка...",
    "Err:502",
    "Err:504",
    "Ошибка:508",
    " #N/A ",
    "#REF!\xa0",
]
OTHERS = [
    "#",
    "#N/A в отчёте",
    "N/A",
    "Н/Д",
    "#1",
    "#хештег",
    "#ПИ-21!",
    "Loading",
    "Err:",
    "Err:5021",
    "Error",
    "ИВТ-1",
    "#N/A #N/A",
    "",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_error_texts_are_recognized(spelling: str) -> None:
    assert is_error_text(spelling)


@pytest.mark.parametrize("other", [*OTHERS, "#N/A" + " " * 100_000])
def test_other_texts_are_not_errors(other: str) -> None:
    assert not is_error_text(other)


def test_every_error_text_has_a_known_prefix_and_no_blanks_around() -> None:
    """The bulk check of columns relies on both."""
    assert [
        word for word in ERROR_TEXTS if not word.startswith(ERROR_TEXT_PREFIXES) or word != word.strip()
    ] == []


@pytest.mark.parametrize("rule", [text, short_text, name])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_typed_error_is_kept_with_a_warning(rule: object, spelling: str) -> None:
    assert rule(spelling) == Valid(spelling.strip(), WarningCode.ERROR_TEXT)  # type: ignore[operator]


@pytest.mark.parametrize("column", [bulk_check.text, bulk_check.short_text, bulk_check.name])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_error_in_a_column_of_clean_texts_is_left_to_the_rule(
    column: bulk_check.BulkCheck, spelling: str
) -> None:
    assert column.needs_rule(["ИВТ-1", spelling, "ИВТ-2"]) == [1]
    assert column.check_each(["ИВТ-1", spelling, "ИВТ-2"]) == [1]
