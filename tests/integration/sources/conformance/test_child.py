"""All kinds of source through the child, as the service reads them: in order, whole, from any border."""

import json
from collections.abc import Sequence

from consumer.frames import Kind as Frames
from tests.integration.sources.conformance.kinds import Kind
from tests.support.child import Frame
from tests.support.places import Place, Row
from tests.support.source_child import BATCH_ROWS, Load, Start, read, reading
from tests.support.workbooks import HEADER, data_rows

ROWS = 45
GAP, LAST = 21, 48
REJECTED = [7, 12, 41]
"""Positions of rows without a link, on both sides of the first border."""
ACCEPTED = [at for at in range(3, LAST + 1) if at != GAP and at not in REJECTED]


def rows() -> list[Row | None]:
    """Physical rows 3 to 48, one of them empty."""
    made: list[Row | None] = [None, HEADER, *data_rows(ROWS)]
    made.insert(GAP - 1, None)
    for position in REJECTED:
        inn, _, name = made[position - 1] or ()
        made[position - 1] = (inn, None, name)
    return made


def kinds(frames: Sequence[Frame]) -> list[Frames]:
    return [frame.kind for frame in frames]


def test_rows_arrive_in_order_and_every_one_is_accounted_for(place: Place, start: Start) -> None:
    place.put(rows())
    load, frames = read(start)
    assert kinds(frames)[0] is Frames.OPENED
    assert frames[0].header["restarted"] is False
    assert frames[-1].kind is Frames.END
    assert frames[-1].header == {"rows": ROWS}
    assert [frame.header for frame in frames if frame.kind is Frames.TOTAL] == [{"rows": ROWS}]
    assert list(load.lines) == ACCEPTED
    assert [line[1] for line in load.lines.values()] == [
        f"https://max.ru/join/{i}" for i in range(ROWS) if i not in {4, 9, 37}
    ]
    assert load.stored == ROWS
    assert load.lasts == sorted(load.lasts)
    sizes = [
        frame.header["accepted"] + frame.header["rejected"] for frame in frames if frame.kind is Frames.BATCH
    ]
    assert max(sizes) <= BATCH_ROWS


def test_rejected_rows_are_listed_as_they_were_read(place: Place, start: Start) -> None:
    place.put(rows())
    load, frames = read(start)
    assert list(load.rejects) == REJECTED
    assert sum(frame.header.get("rejected", 0) for frame in frames) == 3
    for position, found in load.rejects.items():
        row = rows()[position - 1] or ()
        listed = place.record(position, row)
        assert _plain(found) == {name: _text(cell) for name, cell in listed.items()}


def _plain(record: str) -> dict[str, str | None]:
    return {name: _text(cell) for name, cell in json.loads(record).items()}


def _text(cell: object) -> str | None:
    if cell is None:
        return None
    return str(int(cell)) if isinstance(cell, float) else str(cell)


def test_an_attempt_goes_on_from_every_border_of_a_batch(place: Place, start: Start) -> None:
    place.put(rows())
    whole, _ = read(start)
    borders = whole.lasts
    assert len(borders) >= ROWS // BATCH_ROWS
    for many in range(1, len(borders) + 1):
        with reading(start, Load()) as process:
            process.batches(many)
            load = process.load
        assert load.checkpoint == borders[many - 1]
        gone_before = sum(position <= borders[many - 1] for position in load.rejects)
        _, frames = read(start, load)
        assert frames[0].header["restarted"] is False
        assert frames[-1].header == {"rows": ROWS}
        assert list(load.lines) == list(whole.lines)
        assert load.rejects == whole.rejects
        assert load.stored == ROWS
        # The last word counts the rows its checker has seen; what was rejected before it is none of these.
        for position, (_, url, seen) in load.lines.items():
            behind = position > borders[many - 1]
            assert [url, int(seen)] == [
                whole.lines[position][1],
                int(whole.lines[position][2]) - (gone_before if behind else 0),
            ]


def test_an_attempt_goes_on_again_and_again(place: Place, start: Start) -> None:
    place.put(rows())
    whole, _ = read(start)
    load = Load()
    for _ in whole.lasts:
        with reading(start, load) as process:
            process.batches(1)
    _, frames = read(start, load)
    assert frames[-1].kind is Frames.END
    assert Frames.BATCH not in kinds(frames)
    assert list(load.lines) == list(whole.lines)


def test_rows_that_postgres_refused_are_rejected_on_either_side_of_the_checkpoint(
    place: Place, start: Start
) -> None:
    place.put(rows())
    with reading(start, Load()) as process:
        process.batches(2)
        load = process.load
    first = min(load.lines)
    refused = {str(first): "22021", str(LAST): "22021"}
    refusing = Start(place, start.inbox, start.scratch, {**start.others, "refused": refused})
    _, frames = read(refusing, load)
    assert frames[-1].header == {"rows": ROWS}
    assert list(load.rejects) == [*REJECTED, LAST]
    assert first in load.lines, "what is stored stays"


def test_one_row_is_a_load(place: Place, start: Start) -> None:
    place.put([HEADER, *data_rows(1)])
    load, frames = read(start)
    assert list(load.lines) == [2]
    assert frames[-1].header == {"rows": 1}


def test_a_source_without_rows_fails_at_once(place: Place, start: Start) -> None:
    place.put([HEADER])
    _, (failed,) = read(start)
    assert (failed.kind, failed.header["code"], failed.header["transient"]) == (
        Frames.FAILED,
        "no_rows",
        False,
    )


def test_a_source_without_a_column_that_is_needed_fails_at_once(place: Place, start: Start) -> None:
    place.put([("ИНН", "Название чата"), (1, "Тайное имя")])
    _, (failed,) = read(start)
    assert failed.header["code"] == "missing_column"
    assert failed.header["transient"] is False
    assert "Тайное" not in failed.header["message"]


def test_a_source_that_is_not_there_fails_at_once(kind: Kind, place: Place, start: Start) -> None:
    place.put([HEADER, *data_rows(1)])
    place.vanish()
    _, (failed,) = read(start)
    assert failed.header["code"] == kind.missing
    assert failed.header["transient"] is False
