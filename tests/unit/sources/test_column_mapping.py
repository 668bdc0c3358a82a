"""`source.columns`: what a request maps comes before what the dataset knows."""

from typing import Any

import pytest

from consumer.datasets.base import ColumnSpec
from consumer.datasets.chats.column_spec import COLUMN_SPEC as CHATS
from consumer.errors import MigrationError
from consumer.sources import header_errors
from consumer.sources.column_mapping import map_columns
from consumer.sources.header import Header, find_header
from schemas.text import MAX_HEADER_CHARS
from tests.support.tiny_dataset import FIELDS


def mapped(columns: dict[str, str] | None, spec: ColumnSpec = FIELDS, kind: str = "excel") -> ColumnSpec:
    return map_columns(spec, {"type": kind, "columns": columns})


def header(columns: dict[str, str] | None, *cells: object) -> Header:
    return find_header([(1, cells)], mapped(columns))


def error(columns: dict[str, str], *cells: object, kind: str = "excel") -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        find_header([(1, cells)], mapped(columns, kind=kind))
    return caught.value


@pytest.mark.parametrize("columns", [None, {}])
def test_source_without_mapping_has_the_known_columns(columns: dict[str, str] | None) -> None:
    assert mapped(columns) is FIELDS
    assert map_columns(FIELDS, {"type": "excel"}) is FIELDS


def test_mapped_header_comes_before_known_ones() -> None:
    found = header({"Ссылка MAX": "url"}, "ИНН", "Ссылка", "Ссылка MAX")
    assert found.columns == {"inn": 0, "url": 2}
    assert found.field_by_label == {"ИНН": "inn", "Ссылка MAX": "url"}


def test_known_header_can_be_mapped_to_another_field() -> None:
    assert header({"Ссылка": "name"}, "ИНН", "Ссылка", "Ссылка на чат").columns == {
        "inn": 0,
        "name": 1,
        "url": 2,
    }


@pytest.mark.parametrize("typed", ["ссылка_max", " Ссылка\nMAX* ", "ССЫЛКА  MAX"])
def test_mapped_header_is_compared_like_known_ones(typed: str) -> None:
    assert header({"Ссылка MAX": "url"}, "ИНН", typed).columns["url"] == 1


@pytest.mark.parametrize("long", ["—", "Ссылка, скопированная из приложения, " * 3])
def test_mapped_header_without_letters_or_with_many_is_compared_by_its_words(long: str) -> None:
    found = header({long: "url"}, "ИНН", f" {long.upper()}\n".replace(" ", "  "))
    assert found.columns == {"inn": 0, "url": 1}


def test_header_in_file_may_be_as_long_as_one_in_a_request() -> None:
    assert header_errors.MAX_HEADER_CHARS == MAX_HEADER_CHARS


def test_mapped_header_that_is_missing_is_named_with_the_nearest() -> None:
    missing = error({"Ссылка МАХ": "url"}, "ИНН", "Ссылка", "Ссылка на MAX")
    assert missing.code == "missing_column"
    assert "lacks the column «Ссылка МАХ»" in missing.message
    assert "Nearest to «Ссылка МАХ» is «Ссылка на MAX»" in missing.message


def test_mapped_header_of_an_optional_field_must_be_there() -> None:
    missing = error({"Имя": "name"}, "ИНН", "Ссылка")
    assert (missing.code, "«Имя»" in missing.message) == ("missing_column", True)


def test_long_mapped_header_is_shortened_in_messages() -> None:
    text = "Ссылка " * 28
    assert f"«{text}»" not in error({text: "url"}, "ИНН").message
    assert f"«{text}»" not in error({text: "url", "Код": "inn"}, "Группа").message


def test_header_row_is_the_first_with_all_mapped_headers() -> None:
    rows = [(1, ["ИНН", "Ссылка"]), (3, ["ИНН", "Ссылка", "Имя"])]
    assert find_header(rows, mapped({"Имя": "name"})).position == 3


def test_two_columns_with_the_mapped_header_are_duplicates() -> None:
    duplicate = error({"MAX": "url"}, "ИНН", "MAX", "max")
    assert duplicate.code == "duplicate_column"
    assert "«MAX» (column B) and «max» (column C)" in duplicate.message


def test_two_headers_for_one_field_are_duplicates() -> None:
    duplicate = error({"MAX": "url", "Чат": "url"}, "ИНН", "MAX")
    assert duplicate.code == "duplicate_column"
    assert "two headers to one field: «MAX» and «Чат»" in duplicate.message


def test_header_mapped_twice_in_different_spelling_is_a_duplicate() -> None:
    duplicate = error({"Ссылка MAX": "url", "ссылка_max": "name"}, "ИНН", "Ссылка MAX")
    assert duplicate.code == "duplicate_column"
    assert "«Ссылка MAX» and «ссылка_max»" in duplicate.message


@pytest.mark.parametrize("kind", ["excel", "google_sheets", "database"])
def test_unknown_field_is_an_invalid_request_that_names_the_fields(kind: str) -> None:
    unknown = error({"MAX": "urll"}, "ИНН", kind=kind)
    assert unknown.code == "invalid_request"
    assert "«MAX» to the field «urll»" in unknown.message
    assert "its fields are inn, url, name" in unknown.message


def test_required_field_without_any_header_left_is_missing() -> None:
    """All headers of a required field may be mapped to other fields."""
    columns = {"ИНН": "organization", "ИНН организации": "foiv", "inn": "region"}
    with pytest.raises(MigrationError) as caught:
        mapped(columns, CHATS)
    assert caught.value.code == "missing_column"
    assert "leaves no header for the field inn" in caught.value.message


def test_mapping_needs_a_header_row() -> None:
    """A sheet without one is read by position: its columns have no headers that could be mapped."""
    assert mapped({"MAX": "url"}).positional_layout is None


def table_columns(columns: dict[str, str]) -> Any:
    spec = mapped(columns, kind="database")
    assert spec.headers is FIELDS.headers
    assert spec.source_table is not None
    return spec.source_table.columns


def test_column_of_a_table_replaces_the_usual_one() -> None:
    assert table_columns({"link": "url"}) == {"inn": "inn", "url": "link", "name": "name"}


def test_names_of_table_columns_differ_by_case() -> None:
    assert table_columns({"Link": "url", "link": "name"}) == {"inn": "inn", "url": "Link", "name": "link"}


def test_optional_field_whose_column_is_mapped_is_not_read() -> None:
    assert table_columns({"name": "url"}) == {"inn": "inn", "url": "name"}


def test_required_field_whose_column_is_mapped_is_missing() -> None:
    with pytest.raises(MigrationError) as caught:
        table_columns({"inn": "url"})
    assert caught.value.code == "missing_column"
    assert "leaves no column for the field inn" in caught.value.message


def test_two_columns_of_a_table_for_one_field_are_duplicates() -> None:
    with pytest.raises(MigrationError) as caught:
        table_columns({"a": "url", "b": "url"})
    assert caught.value.code == "duplicate_column"
