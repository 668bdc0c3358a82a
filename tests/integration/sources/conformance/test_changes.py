"""A source that changes between two attempts is read from the top: nothing is taken twice, or not at all."""

import pytest

from consumer.frames import Kind as Frames
from tests.integration.sources.conformance.kinds import KINDS, Kind, name_of
from tests.support.places import Place
from tests.support.source_child import Load, Start, read, reading
from tests.support.workbooks import HEADER, data_rows

ROWS = 45

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=name_of)


def urls(load: Load) -> list[str]:
    return [line[1] for line in load.lines.values()]


def interrupted(place: Place, start: Start) -> Load:
    """A load whose first attempt stored rows 2 to 21, or a few less."""
    place.put([HEADER, *data_rows(ROWS)])
    with reading(start, Load()) as process:
        process.batches(2)
        return process.load


@pytest.mark.parametrize("position", [5, 40])
def test_a_row_that_was_removed_begins_a_new_load(place: Place, start: Start, position: int) -> None:
    load = interrupted(place, start)
    place.remove(position)
    _, frames = read(start, load)
    assert frames[0].header["restarted"] is True
    assert frames[-1].header == {"rows": ROWS - 1}
    assert urls(load) == [f"https://max.ru/join/{i}" for i in range(ROWS) if i != position - 2]
    assert load.stored == ROWS - 1


def test_a_change_far_below_the_top_is_seen_as_well(place: Place, start: Start) -> None:
    many = 11_500
    place.put([HEADER, *data_rows(many)])
    long = Start(place, start.inbox, start.scratch, {**start.others, "chunk_rows": 1_000})
    with reading(long, Load()) as process:
        process.batches(12)
        load = process.load
    assert (load.checkpoint or 0) > 10_500
    place.remove(10_500)
    _, frames = read(long, load)
    assert frames[0].header["restarted"] is True
    assert frames[-1].header == {"rows": many - 1}
    assert len(set(urls(load))) == many - 1


def test_a_load_that_began_anew_goes_on_from_its_own_borders(place: Place, start: Start) -> None:
    load = interrupted(place, start)
    place.remove(5)
    with reading(start, load) as process:
        process.batches(3)
    again, frames = read(start, load.copy())
    assert frames[0].header["restarted"] is False
    assert frames[-1].header == {"rows": ROWS - 1}
    assert len(urls(again)) == ROWS - 1


def test_rows_that_were_added_are_read_whole_or_left_to_the_next_job(
    kind: Kind, place: Place, start: Start
) -> None:
    load = interrupted(place, start)
    place.append((7_712_345_678, "https://max.ru/join/new", "Новый"))
    _, frames = read(start, load)
    many = ROWS if kind.keyed else ROWS + 1
    assert frames[0].header["restarted"] is not kind.keyed
    assert frames[-1].header == {"rows": many}
    assert load.stored == many
    assert len(set(urls(load))) == many


def test_a_source_that_was_replaced_begins_a_new_load(place: Place, start: Start) -> None:
    load = interrupted(place, start)
    place.put([HEADER, *data_rows(12)])
    _, frames = read(start, load)
    assert frames[0].header["restarted"] is True
    assert list(load.lines) == list(range(2, 14))


def test_a_source_that_is_gone_at_the_next_attempt_says_so(kind: Kind, place: Place, start: Start) -> None:
    load = interrupted(place, start)
    place.vanish()
    _, (failed,) = read(start, load)
    assert (failed.kind, failed.header["code"]) == (Frames.FAILED, kind.missing)


def test_rows_that_go_and_come_while_it_is_read_are_never_mixed(place: Place, start: Start) -> None:
    place.put([HEADER, *data_rows(ROWS)])
    with reading(start, Load()) as process:
        process.batches(2)
        place.remove(40)
        process.grant()
        end = process.to_the_end()
        assert end.header == {"rows": ROWS}
    assert urls(process.load) == [f"https://max.ru/join/{i}" for i in range(ROWS)]
