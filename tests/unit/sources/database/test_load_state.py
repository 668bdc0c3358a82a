from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from consumer.errors import LayoutError, PermanentError
from consumer.sources.base import SourceConfig
from consumer.sources.database.count import RowCount
from consumer.sources.database.load_state import (
    LoadState,
    new_load,
    previous_load,
    restart_load,
    rows_still_present,
)
from consumer.sources.database.table_lookup import ResolvedTable
from tests.support.tiny_dataset import FIELDS

TABLE = ResolvedTable("old", 16_384, "public", "chats", has_unique_key=True)
LOAD = LoadState(10, 99)


def reading(
    state: Mapping[str, Any] | None = None, fingerprint: str | None = None, run: int = 1, stored: int = 0
) -> SourceConfig:
    here = Path()
    return SourceConfig(
        FIELDS, 5, here, here, 1, state=state, fingerprint=fingerprint, run=run, rows_done=stored
    )


@pytest.mark.parametrize(
    "other",
    [
        (replace(TABLE, database="new"), LOAD),
        (replace(TABLE, oid=16_385), LOAD),
        (replace(TABLE, schema="copy"), LOAD),
        (replace(TABLE, name="chats2"), LOAD),
        (TABLE, LoadState(11, 99)),
        (TABLE, LoadState(10, 98)),
        (TABLE, LoadState(10, 99, generation=1)),
    ],
)
def test_different_rows_have_different_fingerprints(other: tuple[ResolvedTable, LoadState]) -> None:
    table, load = other
    assert load.fingerprint(table) != LOAD.fingerprint(TABLE)


def test_state_round_trip() -> None:
    load = LoadState(10, -(2**63), 3, 2)
    assert LoadState.from_json(load.to_json()) == load


def test_first_attempt_has_no_previous_load() -> None:
    assert previous_load(TABLE, reading()) is None


def test_previous_load_is_of_the_same_table() -> None:
    known = reading(LOAD.to_json(), LOAD.fingerprint(TABLE))
    assert previous_load(TABLE, known) == LOAD
    assert previous_load(replace(TABLE, oid=7), known) is None


@pytest.mark.parametrize(
    ("rows", "stored", "present"),
    [(10, 4, True), (9, 4, False), (11, 4, False), (10, 3, False), (10, 5, False)],
)
def test_rows_are_present_while_both_counts_match(rows: int, stored: int, present: bool) -> None:
    assert rows_still_present(LOAD, RowCount(rows, 99, stored), reading(stored=4)) is present


def test_table_without_rows_is_rejected() -> None:
    with pytest.raises(LayoutError, match=r"«public\.chats» has no rows") as caught:
        new_load(TABLE, RowCount(0, None, 0))
    assert caught.value.code == "no_rows"


def test_load_restarts_once_per_run() -> None:
    restarted = restart_load(LOAD, RowCount(8, 99, 0), TABLE, reading(run=2))
    assert restarted == LoadState(8, 99, generation=1, changed_in_run=2)
    with pytest.raises(PermanentError, match="Retry the job when the table does not change") as caught:
        restart_load(restarted, RowCount(7, 99, 0), TABLE, reading(run=2))
    assert caught.value.code == "source_changed"
    assert restart_load(restarted, RowCount(7, 99, 0), TABLE, reading(run=3)) == LoadState(7, 99, 2, 3)
