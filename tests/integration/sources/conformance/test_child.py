"""All kinds of source through the child process: rows in order, complete, resumed after any batch."""

import json
from collections.abc import Sequence

from consumer.ipc import FrameType as Frames
from tests.integration.sources.conformance.source_kinds import SourceKind
from tests.support.extractor_driver import ReceivedFrame
from tests.support.source_extractor import BATCH_ROWS, AttemptConfig, StoredLoad, read_to_end, start_reading
from tests.support.source_fixtures import Row, SourceFixture
from tests.support.workbooks import HEADER, data_rows

ROWS = 45
EMPTY_ROW, LAST_ROW = 21, 48
REJECTED = [7, 12, 41]
"""Positions of rows without a link, in the first two batches."""
ACCEPTED = [at for at in range(3, LAST_ROW + 1) if at != EMPTY_ROW and at not in REJECTED]


def rows() -> list[Row | None]:
    """Rows 3 to 48, one of them empty."""
    made: list[Row | None] = [None, HEADER, *data_rows(ROWS)]
    made.insert(EMPTY_ROW - 1, None)
    for position in REJECTED:
        inn, _, name = made[position - 1] or ()
        made[position - 1] = (inn, None, name)
    return made


def kinds(frames: Sequence[ReceivedFrame]) -> list[Frames]:
    return [frame.frame_type for frame in frames]


def test_rows_arrive_in_order_and_every_one_is_accounted_for(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows(rows())
    load, frames = read_to_end(attempt_config)
    assert kinds(frames)[0] is Frames.OPENED
    assert frames[0].header["restarted"] is False
    assert frames[-1].frame_type is Frames.END
    assert frames[-1].header == {"rows": ROWS}
    assert [frame.header for frame in frames if frame.frame_type is Frames.TOTAL] == [{"rows": ROWS}]
    assert list(load.accepted_rows) == ACCEPTED
    assert [line[1] for line in load.accepted_rows.values()] == [
        f"https://max.ru/join/{i}" for i in range(ROWS) if i not in {4, 9, 37}
    ]
    assert load.rows_done == ROWS
    assert load.batch_ends == sorted(load.batch_ends)
    sizes = [
        frame.header["accepted"] + frame.header["rejected"]
        for frame in frames
        if frame.frame_type is Frames.BATCH
    ]
    assert max(sizes) <= BATCH_ROWS


def test_rejected_rows_have_records_as_read(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows(rows())
    load, frames = read_to_end(attempt_config)
    assert list(load.rejected_rows) == REJECTED
    assert sum(frame.header.get("rejected", 0) for frame in frames) == 3
    for position, found in load.rejected_rows.items():
        row = rows()[position - 1] or ()
        listed = source_fixture.rejected_record(position, row)
        assert _to_text_record(found) == {name: _text(cell) for name, cell in listed.items()}


def _to_text_record(record: str) -> dict[str, str | None]:
    return {name: _text(cell) for name, cell in json.loads(record).items()}


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def test_attempt_resumes_after_every_batch(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows(rows())
    expected, _ = read_to_end(attempt_config)
    borders = expected.batch_ends
    assert len(borders) >= ROWS // BATCH_ROWS
    for count in range(1, len(borders) + 1):
        with start_reading(attempt_config, StoredLoad()) as process:
            process.store_batches(count)
            load = process.load
        assert load.checkpoint == borders[count - 1]
        rejected_before = sum(position <= borders[count - 1] for position in load.rejected_rows)
        _, frames = read_to_end(attempt_config, load)
        assert frames[0].header["restarted"] is False
        assert frames[-1].header == {"rows": ROWS}
        assert list(load.accepted_rows) == list(expected.accepted_rows)
        assert load.rejected_rows == expected.rejected_rows
        assert load.rows_done == ROWS
        # The END frame counts the rows that this attempt validated, without those rejected before.
        for position, (_, url, seen) in load.accepted_rows.items():
            behind = position > borders[count - 1]
            assert [url, int(seen)] == [
                expected.accepted_rows[position][1],
                int(expected.accepted_rows[position][2]) - (rejected_before if behind else 0),
            ]


def test_load_resumes_repeatedly(source_fixture: SourceFixture, attempt_config: AttemptConfig) -> None:
    source_fixture.write_rows(rows())
    expected, _ = read_to_end(attempt_config)
    load = StoredLoad()
    for _ in expected.batch_ends:
        with start_reading(attempt_config, load) as process:
            process.store_batches(1)
    _, frames = read_to_end(attempt_config, load)
    assert frames[-1].frame_type is Frames.END
    assert Frames.BATCH not in kinds(frames)
    assert list(load.accepted_rows) == list(expected.accepted_rows)


def test_rows_rejected_by_postgres_before_and_after_the_checkpoint(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows(rows())
    with start_reading(attempt_config, StoredLoad()) as process:
        process.store_batches(2)
        load = process.load
    first = min(load.accepted_rows)
    refused = {str(first): "22021", str(LAST_ROW): "22021"}
    refusing = AttemptConfig(
        source_fixture,
        attempt_config.inbox,
        attempt_config.scratch,
        {**attempt_config.overrides, "database_rejections": refused},
    )
    _, frames = read_to_end(refusing, load)
    assert frames[-1].header == {"rows": ROWS}
    assert list(load.rejected_rows) == [*REJECTED, LAST_ROW]
    assert first in load.accepted_rows, "what is stored stays"


def test_load_of_one_row(source_fixture: SourceFixture, attempt_config: AttemptConfig) -> None:
    source_fixture.write_rows([HEADER, *data_rows(1)])
    load, frames = read_to_end(attempt_config)
    assert list(load.accepted_rows) == [2]
    assert frames[-1].header == {"rows": 1}


def test_source_without_rows_fails(source_fixture: SourceFixture, attempt_config: AttemptConfig) -> None:
    source_fixture.write_rows([HEADER])
    _, (failed,) = read_to_end(attempt_config)
    assert (failed.frame_type, failed.header["code"], failed.header["transient"]) == (
        Frames.FAILED,
        "no_rows",
        False,
    )


def test_source_without_required_column_fails(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows([("ИНН", "Название чата"), (1, "Тайное имя")])
    _, (failed,) = read_to_end(attempt_config)
    assert failed.header["code"] == "missing_column"
    assert failed.header["transient"] is False
    assert "Тайное" not in failed.header["message"]


def test_missing_source_fails(
    kind: SourceKind, source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(1)])
    source_fixture.delete()
    _, (failed,) = read_to_end(attempt_config)
    assert failed.header["code"] == kind.not_found_code
    assert failed.header["transient"] is False
