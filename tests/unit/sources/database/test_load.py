from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumer.errors import LayoutProblem, PermanentError
from consumer.sources.base import Reading
from consumer.sources.database.count import Counted
from consumer.sources.database.load import Load, anew, earlier, first, is_whole
from consumer.sources.database.table import Table
from tests.support.tiny_dataset import FIELDS

TABLE = Table("old", 16_384, "public", "chats", unique=True)
LOAD = Load(10, 99)


def reading(
    state: Mapping[str, Any] | None = None, fingerprint: str | None = None, run: int = 1, stored: int = 0
) -> Reading:
    here = Path()
    return Reading(FIELDS, 5, here, here, 1, state=state, fingerprint=fingerprint, run=run, stored=stored)


@pytest.mark.parametrize(
    "other",
    [
        (replace(TABLE, database="new"), LOAD),
        (replace(TABLE, oid=16_385), LOAD),
        (replace(TABLE, schema="copy"), LOAD),
        (replace(TABLE, name="chats2"), LOAD),
        (TABLE, Load(11, 99)),
        (TABLE, Load(10, 98)),
        (TABLE, Load(10, 99, generation=1)),
    ],
)
def test_other_rows_have_another_fingerprint(other: tuple[Table, Load]) -> None:
    table, load = other
    assert load.fingerprint(table) != LOAD.fingerprint(TABLE)


def test_the_state_says_all_of_a_load() -> None:
    load = Load(10, -(2**63), 3, 2)
    assert Load.from_state(load.as_state()) == load


def test_the_first_attempt_has_no_load_before_it() -> None:
    assert earlier(TABLE, reading()) is None


def test_an_attempt_goes_on_with_the_load_of_the_same_table_alone() -> None:
    known = reading(LOAD.as_state(), LOAD.fingerprint(TABLE))
    assert earlier(TABLE, known) == LOAD
    assert earlier(replace(TABLE, oid=7), known) is None


@pytest.mark.parametrize(
    ("rows", "stored", "whole"),
    [(10, 4, True), (9, 4, False), (11, 4, False), (10, 3, False), (10, 5, False)],
)
def test_a_load_is_whole_while_rows_on_both_sides_are_as_many(rows: int, stored: int, whole: bool) -> None:
    assert is_whole(LOAD, Counted(rows, 99, stored), reading(stored=4)) is whole


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(LayoutProblem, match=r"«public\.chats» has no rows") as caught:
        first(TABLE, Counted(0, None, 0))
    assert caught.value.code == "no_rows"


def test_when_rows_are_gone_a_load_begins_once_a_run() -> None:
    begun = anew(LOAD, Counted(8, 99, 0), TABLE, reading(run=2))
    assert begun == Load(8, 99, generation=1, changed_in_run=2)
    with pytest.raises(PermanentError, match="Retry the job when nobody changes") as caught:
        anew(begun, Counted(7, 99, 0), TABLE, reading(run=2))
    assert caught.value.code == "source_changed"
    assert anew(begun, Counted(7, 99, 0), TABLE, reading(run=3)) == Load(7, 99, 2, 3)
