"""Sources that fail while they are read, and children that end: stored rows stay, connections do not."""

import pytest

from consumer.ipc import FrameType as Frames
from tests.integration.sources.conformance.source_kinds import KINDS, UNSTAGED, SourceKind, kind_id
from tests.support.source_extractor import AttemptConfig, StoredLoad, read_to_end, start_reading
from tests.support.source_fixtures import SourceFixture
from tests.support.wait import wait_until
from tests.support.workbooks import HEADER, data_rows

MANY_ROWS = 21_000
"""More rows than a source reads ahead of the first batches."""
BATCH_ROWS = 1_000


@pytest.fixture
def large_source(source_fixture: SourceFixture, attempt_config: AttemptConfig) -> AttemptConfig:
    """A source of many rows, in larger batches."""
    source_fixture.write_rows([HEADER, *data_rows(MANY_ROWS)])
    return AttemptConfig(
        source_fixture,
        attempt_config.inbox,
        attempt_config.scratch,
        {**attempt_config.overrides, "chunk_rows": BATCH_ROWS},
    )


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_outage_while_reading_is_transient(
    kind: SourceKind, source_fixture: SourceFixture, large_source: AttemptConfig
) -> None:
    with start_reading(large_source, StoredLoad()) as process:
        process.store_batches(2)
        source_fixture.go_down()
        process.send_credit()
        end = process.run_to_end()
        load = process.load
        stderr = process.stderr_text()
    if kind.is_staged:
        assert end.header == {"rows": MANY_ROWS}
        return
    assert end.frame_type is Frames.FAILED
    assert end.header["code"] == "source_unavailable"
    assert end.header["transient"] is True
    assert stderr == ""
    assert BATCH_ROWS <= load.rows_done < MANY_ROWS
    source_fixture.come_up()
    _, frames = read_to_end(large_source, load)
    assert frames[0].header["restarted"] is False
    assert frames[-1].header == {"rows": MANY_ROWS}
    assert list(load.accepted_rows) == list(range(2, MANY_ROWS + 2))


@pytest.mark.parametrize("kind", UNSTAGED, ids=kind_id)
def test_outage_at_start_is_transient(
    kind: SourceKind, source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(3)])
    source_fixture.secrets = _unreachable(source_fixture.secrets)
    _, (failed,) = read_to_end(attempt_config)
    assert (failed.header["code"], failed.header["transient"]) == ("source_unavailable", True)


def _unreachable(secrets: dict[str, object]) -> dict[str, object]:
    """The same source at a closed port."""
    if "dsn" in secrets:
        return {"dsn": "postgresql://somebody@127.0.0.1:1/nothing"}
    return {**secrets, "api_url": "http://127.0.0.1:1"}


@pytest.mark.parametrize("kind", UNSTAGED, ids=kind_id)
@pytest.mark.parametrize("ending", ["killed", "left by the service"])
def test_killed_child_leaves_no_connection(
    source_fixture: SourceFixture, large_source: AttemptConfig, ending: str
) -> None:
    with start_reading(large_source, StoredLoad()) as process:
        process.store_batches(2)
        assert source_fixture.connection_count() > 0
        if ending == "killed":
            process.process.kill()
        else:
            process.close_pipe()
        process.exit_code()
        wait_until(lambda: source_fixture.connection_count() == 0, 5, "the connection to go")


@pytest.mark.parametrize("kind", UNSTAGED, ids=kind_id)
def test_finished_child_leaves_no_connection(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(30)])
    read_to_end(attempt_config)
    wait_until(lambda: source_fixture.connection_count() == 0, 5, "the connection to go")
