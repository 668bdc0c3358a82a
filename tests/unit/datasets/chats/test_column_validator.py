"""A column is validated like its values one by one."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from consumer.cells.chunks import FORMULA_WITHOUT_VALUE
from consumer.datasets.chats import bulk_check
from consumer.datasets.chats.bulk_check import BulkCheck
from consumer.datasets.chats.column_validator import (
    MAX_CACHED_VALUES,
    ColumnValidator,
    column_validators,
    is_flagged,
    result_to_copy_text,
)
from consumer.datasets.chats.copy_text import NULL, encode_columns, encode_rows, to_copy_text
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Rule, Valid
from consumer.datasets.chats.rules.text import short_text, text
from consumer.datasets.chats.rules.url import url

BULK_CHECKS = [
    (bulk_check.text, text),
    (bulk_check.short_text, short_text),
    (bulk_check.name, name),
    (bulk_check.url, url),
    (bulk_check.phone, phone),
]
TEXTS = ("", "|", " ", "а|", "|а", "и\u0306", "\u0306", "\\N", "_x0000_", "'а'", "|'а'", "\u00a0", "\ue000")
LINKS = ("", "/x", "/ https://b.ru/", "/\\", "/|", "/_x0000_", "/" + "x" * 2_036, ":99999", "./")
PHONES = ("+79161234567", "+79161234567 +79161234568", "79161234567")
TRICKY_TEXTS = st.sampled_from([*TEXTS, *map("https://a.ru{}".format, LINKS), *PHONES, "http://./"])


TEXT = st.text(max_size=5) | st.text("аЯёй«»'\" _x\\|~\n\u0306\u200b", max_size=6)


@pytest.mark.parametrize("field", sorted(column_validators(date(2026, 1, 1)).keys() - {"url", "inn"}))
def test_optional_formula_without_a_result_warns(field: str) -> None:
    """It reads as empty, and the warning reports the loss."""
    cells = ["", FORMULA_WITHOUT_VALUE, None]
    column = column_validators(date(2026, 1, 1))[field].validate(cells)
    empty = column_validators(date(2026, 1, 1))[field].validate([None] * 3)
    assert list(column.copy_texts) == list(empty.copy_texts)
    warnings = {index: getattr(result, "warning", result) for index, result in column.flagged.items()}
    assert warnings == {1: "formula_without_value"}


@pytest.mark.parametrize(("bulk", "rule"), BULK_CHECKS)
@given(cells=st.lists(TRICKY_TEXTS | TEXT, max_size=4))
@example(cells=["x" * 501])
@example(cells=["https://a.ru/" + "x" * 2_036, "https://a.ru"])
def test_rule_leaves_clean_texts_unchanged(bulk: BulkCheck, rule: Rule, cells: list[str]) -> None:
    one_by_one = bulk.check_each(cells)
    assert bulk._check_joined_lines(cells) == one_by_one
    assert set(bulk.needs_rule(cells)) <= set(one_by_one)
    for index in set(range(len(cells))) - set(bulk.needs_rule(cells)):
        assert rule(cells[index]) == Valid(cells[index])
        assert to_copy_text(cells[index]) == cells[index]


@pytest.mark.parametrize(
    ("bulk", "cells"),
    [
        (bulk_check.text, []),
        (bulk_check.text, ["РТУ МИРЭА", "", "-71234567890123", "а|б"]),
        (bulk_check.text, ["Қазақстан", "😀 2024"]),
        (bulk_check.text, ["а" * 501, "б"]),
        (bulk_check.name, ["ЮРм-С251ГПз чат 1", "Чат «А»", "Ә"]),
        (bulk_check.url, ["https://max.ru/join/AbC-_123?x=1#y", "http://a.ru"]),
        (bulk_check.phone, ["+79161234567", ""]),
    ],
)
def test_usual_columns_need_no_rule(bulk: BulkCheck, cells: list[str]) -> None:
    assert bulk.needs_rule(cells) == []


def test_unclean_texts_are_found_by_index() -> None:
    good = "https://a.ru/x"
    unclean = ["", "a.ru", f"{good}\n{good}", f"{good} ", f"{good}/_x0041_", f"{good}{'x' * 2_036}"]
    cells = [cell for text in unclean for cell in (text, good, good)]
    indexes = list(range(0, len(cells), 3))
    assert bulk_check.url.needs_rule(cells) == indexes
    assert bulk_check.url.needs_rule(unclean * 50) == list(range(len(unclean) * 50))


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


@pytest.mark.parametrize("field", sorted(column_validators(date(2026, 3, 2))))
@given(chunks=st.lists(st.lists(MIXED, max_size=8), min_size=1, max_size=3))
def test_column_validation_matches_rule_per_cell(field: str, chunks: list[list[object]]) -> None:
    column, rule = (
        column_validators(date(2026, 3, 2))[field],
        column_validators(date(2026, 3, 2))[field]._rule,
    )
    for cells in chunks:
        validated, results = column.validate(cells), [rule(cell) for cell in cells]
        flagged = {index: result for index, result in enumerate(results) if is_flagged(result)}
        assert list(validated.copy_texts) == [result_to_copy_text(result) or "" for result in results]
        assert repr(dict(sorted(validated.flagged.items()))) == repr(flagged)


def test_true_and_1_do_not_share_a_cached_result() -> None:
    column = ColumnValidator(text)
    assert [
        *column.validate([1.0]).copy_texts,
        *column.validate([True]).copy_texts,
        *column.validate([1]).copy_texts,
    ] == [
        "1",
        "true",
        "1",
    ]
    assert ColumnValidator(flag).validate([True, 1.0]).copy_texts == ["t", "t"]


def test_cache_is_bounded() -> None:
    column = ColumnValidator(text)
    for start in range(0, 5 * MAX_CACHED_VALUES, MAX_CACHED_VALUES // 2):
        column.validate([float(number) for number in range(start, start + MAX_CACHED_VALUES // 2)])
    assert len(column._cache) <= 2 * MAX_CACHED_VALUES


def test_copy_text_escapes_the_syntax_of_copy() -> None:
    assert encode_rows([("\\N", to_copy_text("\\N"), to_copy_text("а\tб\nв\r\\."), to_copy_text(None))]) == (
        "\\N\t\\\\N\tа\\tб\\nв\\r\\\\.\t\\N\n".encode()
    )
    assert [to_copy_text(value) for value in (True, False, 3, date(2024, 12, 10))] == [
        "t",
        "f",
        "3",
        "2024-12-10",
    ]
    assert to_copy_text(None) == NULL
    assert encode_rows([]) == b""


@given(rows=st.lists(st.tuples(*[st.text(max_size=3)] * 3)))
def test_columns_encode_like_rows(rows: list[tuple[str, ...]]) -> None:
    cells = [tuple(map(to_copy_text, row)) for row in rows]
    columns = [[row[index] for row in cells] for index in range(3)]
    assert encode_columns(columns) == encode_rows(cells)


def test_columns_of_different_lengths_are_an_error() -> None:
    with pytest.raises(ValueError, match="size"):
        encode_columns([["a", "b"], ["c"]])
