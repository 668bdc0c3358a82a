import pytest

from consumer.http.rejected import workbook_columns as columns_module
from consumer.http.rejected.workbook_columns import workbook_columns
from consumer.store.source_columns import StoredColumn

INN = StoredColumn("ИНН", "inn", has_header=True)
NOTE = StoredColumn("Примечание", None, has_header=True)
UNNAMED = StoredColumn("столбец C", None, has_header=False)
BY_POSITION = StoredColumn("столбец A", "inn", has_header=False)


def test_columns_are_in_the_order_of_the_source() -> None:
    assert workbook_columns([INN, UNNAMED, NOTE], ["Примечание", "столбец C", "ИНН"]) == [
        "ИНН",
        "столбец C",
        "Примечание",
    ]


def test_column_that_no_record_has_is_kept_if_it_has_a_header_or_is_imported() -> None:
    assert workbook_columns([BY_POSITION, NOTE, UNNAMED], []) == ["столбец A", "Примечание"]


def test_columns_of_records_that_the_source_did_not_list_come_last() -> None:
    assert workbook_columns([INN], ["другая", "ИНН"]) == ["ИНН", "другая"]


def test_columns_beyond_the_limit_are_those_that_are_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns_module, "MAX_SOURCE_COLUMNS", 2)
    last = StoredColumn("КПП", "kpp", has_header=True)
    assert workbook_columns([INN, NOTE, last], ["другая"]) == ["ИНН", "КПП"]
