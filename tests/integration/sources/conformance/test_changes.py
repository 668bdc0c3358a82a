"""A source that changes between two attempts: no row is read twice, and none is missed."""

import pytest

from consumer.ipc import FrameType as Frames
from tests.integration.sources.conformance.source_kinds import KINDS, SourceKind, kind_id
from tests.support.source_extractor import AttemptConfig, StoredLoad, read_to_end, start_reading
from tests.support.source_fixtures import SourceFixture
from tests.support.workbooks import HEADER, data_rows

ROWS = 45

pytestmark = pytest.mark.parametrize("kind", KINDS, ids=kind_id)


def urls(load: StoredLoad) -> list[str]:
    return [line[1] for line in load.accepted_rows.values()]


def make_interrupted_load(fixture: SourceFixture, start: AttemptConfig) -> StoredLoad:
    """A load whose first attempt stored rows 2 to 21, or a few fewer."""
    fixture.write_rows([HEADER, *data_rows(ROWS)])
    with start_reading(start, StoredLoad()) as process:
        process.store_batches(2)
        return process.load


@pytest.mark.parametrize("position", [5, 40])
def test_removed_row_starts_new_load(
    source_fixture: SourceFixture, attempt_config: AttemptConfig, position: int
) -> None:
    load = make_interrupted_load(source_fixture, attempt_config)
    source_fixture.remove_row(position)
    _, frames = read_to_end(attempt_config, load)
    assert frames[0].header["restarted"] is True
    assert frames[-1].header == {"rows": ROWS - 1}
    assert urls(load) == [f"https://max.ru/join/{i}" for i in range(ROWS) if i != position - 2]
    assert load.rows_done == ROWS - 1


def test_change_far_below_the_top_is_detected(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    many = 11_500
    source_fixture.write_rows([HEADER, *data_rows(many)])
    long = AttemptConfig(
        source_fixture,
        attempt_config.inbox,
        attempt_config.scratch,
        {**attempt_config.overrides, "chunk_rows": 1_000},
    )
    with start_reading(long, StoredLoad()) as process:
        process.store_batches(12)
        load = process.load
    assert (load.checkpoint or 0) > 10_500
    source_fixture.remove_row(10_500)
    _, frames = read_to_end(long, load)
    assert frames[0].header["restarted"] is True
    assert frames[-1].header == {"rows": many - 1}
    assert len(set(urls(load))) == many - 1


def test_restarted_load_resumes_from_its_own_batches(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    load = make_interrupted_load(source_fixture, attempt_config)
    source_fixture.remove_row(5)
    with start_reading(attempt_config, load) as process:
        process.store_batches(3)
    again, frames = read_to_end(attempt_config, load.copy())
    assert frames[0].header["restarted"] is False
    assert frames[-1].header == {"rows": ROWS - 1}
    assert len(urls(again)) == ROWS - 1


def test_added_rows_are_all_read_or_left_to_the_next_job(
    kind: SourceKind, source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    load = make_interrupted_load(source_fixture, attempt_config)
    source_fixture.append_row((7_712_345_678, "https://max.ru/join/new", "Новый"))
    _, frames = read_to_end(attempt_config, load)
    many = ROWS if kind.has_stable_ids else ROWS + 1
    assert frames[0].header["restarted"] is not kind.has_stable_ids
    assert frames[-1].header == {"rows": many}
    assert load.rows_done == many
    assert len(set(urls(load))) == many


def test_replaced_source_starts_new_load(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    load = make_interrupted_load(source_fixture, attempt_config)
    source_fixture.write_rows([HEADER, *data_rows(12)])
    _, frames = read_to_end(attempt_config, load)
    assert frames[0].header["restarted"] is True
    assert list(load.accepted_rows) == list(range(2, 14))


def test_deleted_source_fails_next_attempt(
    kind: SourceKind, source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    load = make_interrupted_load(source_fixture, attempt_config)
    source_fixture.delete()
    _, (failed,) = read_to_end(attempt_config, load)
    assert (failed.frame_type, failed.header["code"]) == (Frames.FAILED, kind.not_found_code)


def test_concurrent_changes_never_mix_two_versions(
    source_fixture: SourceFixture, attempt_config: AttemptConfig
) -> None:
    source_fixture.write_rows([HEADER, *data_rows(ROWS)])
    with start_reading(attempt_config, StoredLoad()) as process:
        process.store_batches(2)
        source_fixture.remove_row(40)
        process.send_credit()
        end = process.run_to_end()
        assert end.header == {"rows": ROWS}
    assert urls(process.load) == [f"https://max.ru/join/{i}" for i in range(ROWS)]
