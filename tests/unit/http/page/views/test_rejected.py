"""Rejected rows as the page shows them."""

import json

import pytest

from consumer.http.page.views.rejected import Facet, RecordCell, cell_text, facets, parse_row
from consumer.store.rejected_counts import RejectedCount
from consumer.store.rejected_pages import RowState
from consumer.store.row_marks import CorrectedBy, RowMark

ROW = {
    "row_number": 4711,
    "record_identifier": "https://max.ru/a",
    "errors": [
        {"field": "inn", "code": "inn", "message": "must be 10 or 12 digits"},
        {"field": None, "code": "refused_by_database", "message": "refused"},
    ],
    "record": {"ИНН": "77012", "Название": "<b>Чат</b>", "Дата": 45000.0, "Пусто": None},
    "kinds": {"Дата": "date"},
    "record_cut": {"cut": ["Название"], "left_out": 3},
    "state": "corrected",
}


def test_wrong_cells_are_marked_by_the_column_of_their_field() -> None:
    row = parse_row(json.dumps(ROW), {"inn": "ИНН", "name": "Название"})
    assert [(cell.column, cell.value, cell.kind, cell.is_wrong) for cell in row.cells] == [
        ("ИНН", "77012", None, True),
        ("Название", "<b>Чат</b>", None, False),
        ("Дата", "45000", "date", False),
        ("Пусто", "", None, False),
    ]
    assert [(error.field, error.column, error.value) for error in row.errors] == [
        ("inn", "ИНН", "77012"),
        (None, None, None),
    ]
    assert (row.cut_columns, row.left_out) == (frozenset({"Название"}), 3)
    assert row.codes == ["inn", "refused_by_database"]
    assert row.state is RowState.CORRECTED


def test_column_named_like_its_field_needs_no_stored_columns() -> None:
    row = parse_row(json.dumps(ROW | {"record": {"inn": 77012}, "kinds": None, "record_cut": None}), {})
    assert [(cell.value, cell.is_wrong) for cell in row.cells] == [("77012", True)]
    assert (row.cut_columns, row.left_out) == (frozenset(), 0)


def test_row_has_its_mark() -> None:
    mark = RowMark(CorrectedBy("mended", "mended.xlsx"), None, None)
    assert parse_row(json.dumps(ROW), {}, mark).mark is mark
    assert parse_row(json.dumps(ROW), {}).mark is None


def test_field_without_a_cell_has_no_value() -> None:
    row = parse_row(json.dumps(ROW | {"record": {}}), {"inn": "ИНН"})
    assert [(error.column, error.value) for error in row.errors] == [(None, None), (None, None)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, ""), (True, "TRUE"), (5, "5"), (5.0, "5"), (1.5, "1.5"), (1e20, "1e+20"), ("a ", "a ")),
        ("a\u200bb", "a\\u200bb"),
        ("a\u00a0b", "a\\u00a0b"),
        ("a\\b", "a\\b"),
        ("a\\b\u200b\n", "a\\b\\u200b\n"),
    ],
)
def test_cell_text(value: object, text: str) -> None:
    assert cell_text(value) == text


COUNTS = [
    RejectedCount("inn", "inn", 7),
    RejectedCount("required", "inn", 3),
    RejectedCount("required", "name", 5),
    RejectedCount("refused_by_database", None, 1),
]


def test_facets_of_all_codes() -> None:
    assert facets(COUNTS, None) == (
        [Facet("required", 8), Facet("inn", 7), Facet("refused_by_database", 1)],
        [Facet("inn", 10), Facet("name", 5), Facet("", 1)],
    )


def test_fields_are_those_of_the_chosen_code() -> None:
    assert facets(COUNTS, "required")[1] == [Facet("name", 5), Facet("inn", 3)]


@pytest.mark.parametrize(
    ("kind", "note"),
    [(None, None), ("date", None), ("number", None), ("error", "error"), ("formula", "formula")],
)
def test_kind_is_noted_where_the_value_does_not_show_it(kind: str | None, note: str | None) -> None:
    assert RecordCell("a", "", kind, is_wrong=False).note == note
