"""Sources that go away in the middle, and readers that do: what is stored stays, no connection does."""

import pytest

from consumer.frames import Kind as Frames
from tests.integration.sources.conformance.kinds import CONNECTED, KINDS, Kind, name_of
from tests.support.places import Place
from tests.support.source_child import Load, Start, read, reading
from tests.support.wait import until
from tests.support.workbooks import HEADER, data_rows

MANY = 21_000
"""More than a source may have asked for ahead of the first batches."""
BATCH = 1_000


@pytest.fixture
def long(place: Place, start: Start) -> Start:
    """A source of many rows, in larger batches."""
    place.put([HEADER, *data_rows(MANY)])
    return Start(place, start.inbox, start.scratch, {**start.others, "chunk_rows": BATCH})


@pytest.mark.parametrize("kind", KINDS, ids=name_of)
def test_a_source_gone_in_the_middle_is_gone_for_a_while(kind: Kind, place: Place, long: Start) -> None:
    with reading(long, Load()) as process:
        process.batches(2)
        place.lose()
        process.grant()
        end = process.to_the_end()
        load = process.load
        said = process.said()
    if kind.fetched:
        assert end.header == {"rows": MANY}
        return
    assert end.kind is Frames.FAILED
    assert end.header["code"] == "source_unavailable"
    assert end.header["transient"] is True
    assert said == ""
    assert BATCH <= load.stored < MANY
    place.restore()
    _, frames = read(long, load)
    assert frames[0].header["restarted"] is False
    assert frames[-1].header == {"rows": MANY}
    assert list(load.lines) == list(range(2, MANY + 2))


@pytest.mark.parametrize("kind", CONNECTED, ids=name_of)
def test_a_source_that_is_away_at_the_start_is_gone_for_a_while(
    kind: Kind, place: Place, start: Start
) -> None:
    place.put([HEADER, *data_rows(3)])
    place.secrets = _elsewhere(place.secrets)
    _, (failed,) = read(start)
    assert (failed.header["code"], failed.header["transient"]) == ("source_unavailable", True)


def _elsewhere(secrets: dict[str, object]) -> dict[str, object]:
    """The same, at a port where nobody listens."""
    if "dsn" in secrets:
        return {"dsn": "postgresql://somebody@127.0.0.1:1/nothing"}
    return {**secrets, "api_url": "http://127.0.0.1:1"}


@pytest.mark.parametrize("kind", CONNECTED, ids=name_of)
@pytest.mark.parametrize("ending", ["killed", "left by the service"])
def test_a_child_that_ends_in_the_middle_leaves_no_connection(place: Place, long: Start, ending: str) -> None:
    with reading(long, Load()) as process:
        process.batches(2)
        assert place.connections() > 0
        if ending == "killed":
            process.process.kill()
        else:
            process.hang_up()
        process.exit_code()
        until(lambda: place.connections() == 0, 5, "the connection to go")


@pytest.mark.parametrize("kind", CONNECTED, ids=name_of)
def test_a_child_that_has_read_all_leaves_no_connection(place: Place, start: Start) -> None:
    place.put([HEADER, *data_rows(30)])
    read(start)
    until(lambda: place.connections() == 0, 5, "the connection to go")
