"""Whole columns are checked as their values would be, one by one."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.datasets.chats import evident
from consumer.datasets.chats.columns import ColumnRule, column_rules
from consumer.datasets.chats.copytext import NULL, lines, rendered, table
from consumer.datasets.chats.evident import Evident
from consumer.datasets.chats.memo import LIMIT, copied, is_odd
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.text import short_text, text
from consumer.datasets.chats.rules.url import url
from consumer.datasets.chats.rules.verdict import Clean, Rule
from consumer.records import FORMULA_WITHOUT_VALUE

EVIDENT = [
    (evident.text, text),
    (evident.short_text, short_text),
    (evident.name, name),
    (evident.url, url),
    (evident.phone, phone),
]
TEXTS = ("", "|", " ", "а|", "|а", "и\u0306", "\u0306", "\\N", "_x0000_", "'а'", "|'а'", "\u00a0", "\ue000")
LINKS = ("", "/x", "/ https://b.ru/", "/\\", "/|", "/_x0000_", "/" + "x" * 2_036, ":99999", "./")
PHONES = ("+79161234567", "+79161234567 +79161234568", "79161234567")
TRICKY = st.sampled_from([*TEXTS, *map("https://a.ru{}".format, LINKS), *PHONES, "http://./"])


TEXT = st.text(max_size=5) | st.text("аЯёй«»'\" _x\\|~\n\u0306\u200b", max_size=6)


@pytest.mark.parametrize("field", sorted(column_rules(date(2026, 1, 1)).keys() - {"url", "inn"}))
def test_an_optional_value_whose_formula_has_no_result_is_warned_of(field: str) -> None:
    """It reads as empty, and is not lost without a word."""
    cells = ["", FORMULA_WITHOUT_VALUE, None]
    found = column_rules(date(2026, 1, 1))[field].read(cells)
    empty = column_rules(date(2026, 1, 1))[field].read([None] * 3)
    assert list(found.texts) == list(empty.texts)
    warnings = {place: getattr(verdict, "warning", verdict) for place, verdict in found.odd.items()}
    assert warnings == {1: "formula_without_value"}


@pytest.mark.parametrize(("clean", "rule"), EVIDENT)
@given(cells=st.lists(TRICKY | TEXT, max_size=4))
@example(cells=["x" * 501])
@example(cells=["https://a.ru/" + "x" * 2_036, "https://a.ru"])
def test_what_is_evidently_clean_its_rule_changes_nothing_in(
    clean: Evident, rule: Rule, cells: list[str]
) -> None:
    one_by_one = clean.one_by_one(cells)
    assert clean._in_runs(cells) == one_by_one
    assert set(clean.doubtful(cells)) <= set(one_by_one)
    for place in set(range(len(cells))) - set(clean.doubtful(cells)):
        assert rule(cells[place]) == Clean(cells[place])
        assert rendered(cells[place]) == cells[place]


@pytest.mark.parametrize(
    ("clean", "cells"),
    [
        (evident.text, []),
        (evident.text, ["РТУ МИРЭА", "", "-71234567890123", "а|б"]),
        (evident.text, ["Қазақстан", "😀 2024"]),
        (evident.text, ["а" * 501, "б"]),
        (evident.name, ["ЮРм-С251ГПз чат 1", "Чат «А»", "Ә"]),
        (evident.url, ["https://max.ru/join/AbC-_123?x=1#y", "http://a.ru"]),
        (evident.phone, ["+79161234567", ""]),
    ],
)
def test_usual_columns_are_evidently_clean(clean: Evident, cells: list[str]) -> None:
    assert clean.doubtful(cells) == []


def test_what_is_odd_is_found_in_its_place() -> None:
    good = "https://a.ru/x"
    odd = ["", "a.ru", f"{good}\n{good}", f"{good} ", f"{good}/_x0041_", f"{good}{'x' * 2_036}"]
    cells = [part for one in odd for part in (one, good, good)]
    places = list(range(0, len(cells), 3))
    assert evident.url.doubtful(cells) == places
    assert evident.url.doubtful(odd * 50) == list(range(len(odd) * 50))


MIXED = st.sampled_from(
    [
        None,
        "",
        True,
        1,
        1.0,
        False,
        0,
        0.0,
        -0.0,
        "1",
        "да",
        "?",
        date(2024, 12, 10),
        float("nan"),
        "\x00",
        "а\tб",
    ]
)


@pytest.mark.parametrize("field", sorted(column_rules(date(2026, 3, 2))))
@given(chunks=st.lists(st.lists(MIXED, max_size=8), min_size=1, max_size=3))
def test_a_column_is_read_as_its_values_one_by_one(field: str, chunks: list[list[object]]) -> None:
    column, rule = column_rules(date(2026, 3, 2))[field], column_rules(date(2026, 3, 2))[field]._rule
    for cells in chunks:
        read, verdicts = column.read(cells), [rule(cell) for cell in cells]
        odd = {place: verdict for place, verdict in enumerate(verdicts) if is_odd(verdict)}
        assert list(read.texts) == [copied(verdict) or "" for verdict in verdicts]
        assert repr(dict(sorted(read.odd.items()))) == repr(odd)


def test_true_is_not_one() -> None:
    column = ColumnRule(text)
    assert [*column.read([1.0]).texts, *column.read([True]).texts, *column.read([1]).texts] == [
        "1",
        "true",
        "1",
    ]
    assert ColumnRule(flag).read([True, 1.0]).texts == ["t", "t"]


def test_a_memo_forgets_rather_than_grow() -> None:
    column = ColumnRule(text)
    for start in range(0, 5 * LIMIT, LIMIT // 2):
        column.read([float(number) for number in range(start, start + LIMIT // 2)])
    assert len(column._memo) <= 2 * LIMIT


def test_copy_text_escapes_what_copy_would_take_for_its_own() -> None:
    assert lines([("\\N", rendered("\\N"), rendered("а\tб\nв\r\\."), rendered(None))]) == (
        "\\N\t\\\\N\tа\\tб\\nв\\r\\\\.\t\\N\n".encode()
    )
    assert [rendered(value) for value in (True, False, 3, date(2024, 12, 10))] == [
        "t",
        "f",
        "3",
        "2024-12-10",
    ]
    assert rendered(None) == NULL
    assert lines([]) == b""


@given(rows=st.lists(st.tuples(*[st.text(max_size=3)] * 3)))
def test_columns_make_the_text_that_rows_make(rows: list[tuple[str, ...]]) -> None:
    cells = [tuple(map(rendered, row)) for row in rows]
    columns = [[row[place] for row in cells] for place in range(3)]
    assert table(columns) == lines(cells)


def test_columns_of_different_lengths_are_no_table() -> None:
    with pytest.raises(ValueError, match="size"):
        table([["a", "b"], ["c"]])
