"""One load through the checker: sections, flags, warnings, rejects."""

# ruff: noqa: DTZ001 – workbooks know no time zones
import json
from datetime import date, datetime

from consumer.cells.chunks import Cell, Chunk
from consumer.datasets.base import ValidatedBatch
from consumer.datasets.chats import staging
from consumer.datasets.chats.validator import ChatValidator

LAST_DAY = date(2026, 3, 2)
INN, A, B = "7707083893", "https://max.ru/a", "https://max.ru/b"


def chunk(*rows: dict[str, Cell], at: int = 2) -> Chunk:
    columns = {
        name: [row.get(name) for row in rows] for name in dict.fromkeys(k for row in rows for k in row)
    }
    return Chunk(range(at, at + len(rows)), columns, lambda place: rows[place])


def lines(checked: ValidatedBatch, section: str) -> list[list[str]]:
    text = checked.copy_streams.get(f"stage_{section}", b"").decode()
    return [line.split("\t") for line in text.splitlines()]


def test_texts_of_a_node_and_a_group_travel_once() -> None:
    checker = ChatValidator(staging.CHATS, LAST_DAY)
    row = {"url": A, "inn": INN, "faculty": "ФПМ", "group": "Г-1", "course": 1.0}
    first = checker.validate(chunk(row, {**row, "url": B}, {**row, "group": ""}), {})
    second = checker.validate(chunk({**row, "course": 2.0}, at=5), {})
    assert lines(first, "nodes") == [["2", "1", INN, "\\N", "", "ФПМ"]]
    assert lines(first, "places") == [["2", "1", "1", "1", "Г-1"]]
    assert [line[:3] for line in lines(first, "chats")] == [
        ["2", "1", "1"],
        ["3", "1", "1"],
        ["4", "1", "\\N"],
    ]
    assert lines(second, "nodes") == []
    assert lines(second, "places") == [["5", "2", "1", "2", "Г-1"]]


def test_the_first_row_of_a_link_and_of_its_phones_is_flagged() -> None:
    rows = [
        (A, ""),
        (A, "9161234567"),
        (B, "9161234567"),
        (B, "+79161234567"),
        (A, "9161234568"),
        (A, "9161234567"),
    ]
    cells: list[dict[str, Cell]] = [{"url": url, "inn": INN, "phone": phone} for url, phone in rows]
    checked = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk(*cells), {})
    assert ["".join(line[3:5]) for line in lines(checked, "chats")] == ["tf", "ft", "tt", "ff", "ft", "ff"]


def test_skipped_rows_leave_flags_and_news_but_no_numbers() -> None:
    row: dict[str, Cell] = {"url": A, "inn": INN, "organization": "Один", "phone": "9161234567", "group": "1"}
    checker = ChatValidator(staging.CHATS, LAST_DAY)
    checker.replay(chunk(row), {})
    checked = checker.validate(chunk({**row, "organization": "Два"}, at=3), {})
    assert lines(checked, "chats")[0][:5] == ["3", "1", "1", "f", "f"]
    assert lines(checked, "nodes")[0][:2] == ["3", "1"]
    assert lines(checked, "universities") == []


def test_a_refused_row_carries_no_text_of_others() -> None:
    row: dict[str, Cell] = {"url": A, "inn": INN, "organization": "Один"}
    checked = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk(row, row), {2: "22021"})
    assert (checked.accepted, checked.rejected) == (1, 1)
    assert lines(checked, "nodes")[0][0] == "3"
    assert lines(checked, "universities")[0][0] == "3"
    assert lines(checked, "chats")[0][3] == "t"


def test_repairs_are_counted_by_code_and_only_of_rows_that_are_stored() -> None:
    repaired: dict[str, Cell] = {"url": A, "inn": "105014177", "kpp": "77071001", "phone": "нет"}
    rest: dict[str, Cell] = {
        "name": datetime(2024, 12, 10),
        "created_on": "вчера",
        "add_user": "1",
        "add_admin": "",
    }
    checked = ChatValidator(staging.CHATS, LAST_DAY).validate(
        chunk(repaired | rest, repaired | rest | {"url": ""}), {}
    )
    assert checked.warnings == {
        "inn_zero_restored": 1, "kpp_zero_restored": 1, "phone": 1, "date_in_text": 1, "date": 1, "flag": 1
    }  # fmt: skip
    assert checked.rejected == 1


def test_flags_say_nothing_without_their_columns_and_yes_when_both_are_empty() -> None:
    bare = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk({"url": A, "inn": INN}), {})
    empty = ChatValidator(staging.CHATS, LAST_DAY).validate(
        chunk({"url": A, "inn": INN, "add_user": "", "add_admin": None}), {}
    )
    half = ChatValidator(staging.CHATS, LAST_DAY).validate(
        chunk({"url": A, "inn": INN, "add_user": True}), {}
    )
    assert [lines(checked, "chats")[0][-2:] for checked in (bare, empty, half)] == [
        ["\\N", "\\N"], ["t", "t"], ["t", "f"]
    ]  # fmt: skip
    assert half.warnings == {}


def test_a_reject_is_shown_as_json_even_where_the_row_is_nasty() -> None:
    row: dict[str, Cell] = {
        "url": "a\x00\ud83d\t",
        "inn": 12.0,
        "name": float("nan"),
        "x\x00": 1.2e19,
        "created_on": datetime(2024, 1, 2),
    }
    ((position, identifier, errors, record, kinds, cut),) = lines(
        ChatValidator(staging.CHATS, LAST_DAY).validate(chunk(row, at=7), {}), "rejects"
    )
    assert (position, identifier) == ("7", "a\\\\u0000\\\\ud83d")
    fields = [error["field"] for error in json.loads(errors.replace("\\\\", "\\"))]
    assert fields == ["url", "inn", "name"]
    shown = json.loads(record.replace("\\\\", "\\"))
    assert shown["inn"] == 12
    assert shown["name"] == "nan"
    assert shown["x\\u0000"] == "1.2e+19"
    assert shown["created_on"] == "2024-01-02T00:00:00"
    shown_kinds = {"name": "number", "x\\u0000": "number", "created_on": "date"}
    assert (json.loads(kinds.replace("\\\\", "\\")), cut) == (shown_kinds, "\\N")


def test_nothing_of_a_chunk_may_be_fit() -> None:
    checked = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk({"url": "", "inn": ""}), {})
    assert (checked.accepted, checked.rejected) == (0, 1)
    assert set(checked.copy_streams) == {"stage_rejects"}
