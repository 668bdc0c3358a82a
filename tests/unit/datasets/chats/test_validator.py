"""One load through the validator: COPY texts, flags, warnings, rejected rows."""

# ruff: noqa: DTZ001 – workbooks know no time zones
import json
from datetime import date, datetime

from consumer.cells.chunks import Cell, Chunk
from consumer.datasets.base import REJECTED_ROWS, ValidatedBatch, database_rejection
from consumer.datasets.chats import staging
from consumer.datasets.chats.validator import ChatValidator

LAST_DAY = date(2026, 3, 2)
INN, A, B = "7707083893", "https://max.ru/a", "https://max.ru/b"


def chunk(*rows: dict[str, Cell], at: int = 2) -> Chunk:
    columns = {
        name: [row.get(name) for row in rows] for name in dict.fromkeys(k for row in rows for k in row)
    }
    return Chunk(range(at, at + len(rows)), columns, lambda index: rows[index])


def lines(batch: ValidatedBatch, table: str) -> list[list[str]]:
    text = batch.copy_streams.get(f"stage_{table}", b"").decode()
    return [line.split("\t") for line in text.splitlines()]


def test_texts_of_an_org_unit_and_a_group_are_sent_once() -> None:
    validator = ChatValidator(staging.CHATS, LAST_DAY)
    row = {"url": A, "inn": INN, "faculty": "ФПМ", "group": "Г-1", "course": 1.0}
    first = validator.validate(chunk(row, {**row, "url": B}, {**row, "group": ""}), {})
    second = validator.validate(chunk({**row, "course": 2.0}, at=5), {})
    assert lines(first, "org_units") == [["2", "1", INN, "\\N", "", "ФПМ"]]
    assert lines(first, "groups") == [["2", "1", "1", "1", "Г-1"]]
    assert [line[:3] for line in lines(first, "chats")] == [
        ["2", "1", "1"],
        ["3", "1", "1"],
        ["4", "1", "\\N"],
    ]
    assert lines(second, "org_units") == []
    assert lines(second, "groups") == [["5", "2", "1", "2", "Г-1"]]


def test_first_row_of_a_url_and_of_each_phone_is_marked() -> None:
    rows = [
        (A, ""),
        (A, "9161234567"),
        (B, "9161234567"),
        (B, "+79161234567"),
        (A, "9161234568"),
        (A, "9161234567"),
    ]
    cells: list[dict[str, Cell]] = [{"url": url, "inn": INN, "phone": phone} for url, phone in rows]
    batch = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk(*cells), {})
    assert ["".join(line[3:5]) for line in lines(batch, "chats")] == ["tf", "ft", "tt", "ff", "ft", "ff"]


def test_replayed_rows_leave_first_rows_and_attributes_but_no_numbers() -> None:
    row: dict[str, Cell] = {"url": A, "inn": INN, "organization": "Один", "phone": "9161234567", "group": "1"}
    validator = ChatValidator(staging.CHATS, LAST_DAY)
    validator.replay(chunk(row), {})
    batch = validator.validate(chunk({**row, "organization": "Два"}, at=3), {})
    assert lines(batch, "chats")[0][:5] == ["3", "1", "1", "f", "f"]
    assert lines(batch, "org_units")[0][:2] == ["3", "1"]
    assert lines(batch, "universities") == []


def test_row_rejected_by_the_database_sends_no_text_for_others() -> None:
    row: dict[str, Cell] = {"url": A, "inn": INN, "organization": "Один"}
    batch = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk(row, row), {2: database_rejection("22021")})
    assert (batch.accepted, batch.rejected) == (1, 1)
    assert lines(batch, "org_units")[0][0] == "3"
    assert lines(batch, "universities")[0][0] == "3"
    assert lines(batch, "chats")[0][3] == "t"


def test_warnings_of_valid_rows_are_counted_by_code() -> None:
    repaired: dict[str, Cell] = {"url": A, "inn": "105014177", "kpp": "77071001", "phone": "нет"}
    rest: dict[str, Cell] = {
        "name": datetime(2024, 12, 10),
        "created_on": "вчера",
        "add_user": "1",
        "add_admin": "",
    }
    batch = ChatValidator(staging.CHATS, LAST_DAY).validate(
        chunk(repaired | rest, repaired | rest | {"url": ""}), {}
    )
    assert batch.warnings == {
        "inn_zero_restored": 1, "kpp_zero_restored": 1, "phone": 1, "date_in_text": 1, "date": 1, "flag": 1
    }  # fmt: skip
    assert batch.rejected == 1


def test_flags_are_null_without_columns_and_true_when_both_are_empty() -> None:
    without_columns = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk({"url": A, "inn": INN}), {})
    empty = ChatValidator(staging.CHATS, LAST_DAY).validate(
        chunk({"url": A, "inn": INN, "add_user": "", "add_admin": None}), {}
    )
    half = ChatValidator(staging.CHATS, LAST_DAY).validate(
        chunk({"url": A, "inn": INN, "add_user": True}), {}
    )
    assert [lines(batch, "chats")[0][-2:] for batch in (without_columns, empty, half)] == [
        ["\\N", "\\N"], ["t", "t"], ["t", "f"]
    ]  # fmt: skip
    assert half.warnings == {}


def test_record_of_a_hostile_row_is_valid_json() -> None:
    row: dict[str, Cell] = {
        "url": "a\x00\ud83d\t",
        "inn": 12.0,
        "name": float("nan"),
        "x\x00": 1.2e19,
        "created_on": datetime(2024, 1, 2),
    }
    ((position, identifier, errors, record, kinds, cut),) = lines(
        ChatValidator(staging.CHATS, LAST_DAY).validate(chunk(row, at=7), {}), "rejected_rows"
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


def test_chunk_may_have_no_valid_row() -> None:
    batch = ChatValidator(staging.CHATS, LAST_DAY).validate(chunk({"url": "", "inn": ""}), {})
    assert (batch.accepted, batch.rejected) == (0, 1)
    assert set(batch.copy_streams) == {"stage_rejected_rows"}


def test_check_finds_what_validation_finds_and_encodes_rejected_rows_alone() -> None:
    """Batch by batch, rows of earlier batches included; a flag that is no flag is a warning."""
    rows: list[dict[str, Cell]] = [
        {"url": A, "inn": INN, "phone": "12", "add_user": "x"},
        {"url": "no link", "inn": INN, "phone": "", "add_user": "1"},
        {"url": B, "inn": "105014177", "phone": "", "add_user": "0"},
        {"url": A, "inn": INN, "phone": "9161234567", "add_user": "1"},
    ]
    chunks = chunk(*rows), chunk(*rows[::-1], at=6)
    checking, storing = ChatValidator(staging.CHATS, LAST_DAY), ChatValidator(staging.CHATS, LAST_DAY)
    checked = [checking.check(part, {}) for part in chunks]
    stored = [storing.validate(part, {}) for part in chunks]
    for check, batch in zip(checked, stored, strict=True):
        assert (check.row_count, check.accepted, check.rejected) == (4, 3, 1)
        assert (batch.accepted, batch.rejected, batch.duplicates) == (3, 1, 0)
        assert check.warnings == batch.warnings != {}
        assert check.copy_streams == {REJECTED_ROWS.name: batch.copy_streams[REJECTED_ROWS.name]}
        assert check.duplicates == sum(line[3] == "f" for line in lines(batch, "chats"))
    assert [check.duplicates for check in checked] == [1, 3]


def test_check_continues_after_replayed_rows() -> None:
    validator = ChatValidator(staging.CHATS, LAST_DAY)
    validator.replay(chunk({"url": A, "inn": INN}), {})
    assert validator.check(chunk({"url": A, "inn": INN}, {"url": B, "inn": INN}, at=3), {}).duplicates == 1
