import json

import pytest

from producer_cli.errors import ExitCode
from producer_cli.events import RunTracker, exit_code_for, read_event
from tests.support.status_event_factories import make_event, make_received_event


def test_unknown_event_fields_are_kept_on_one_line() -> None:
    body = json.loads(make_event().model_dump_json()) | {"new_field": "Чаты"}
    received = read_event(json.dumps(body, indent=2).encode())
    assert received is not None
    assert "\n" not in received.json_line
    assert json.loads(received.json_line) == body


@pytest.mark.parametrize("value", [None, b"", b"{}", b"no json", b"\xff\xfe"])
def test_invalid_event_is_skipped(value: bytes | None) -> None:
    assert read_event(value) is None


def test_event_with_too_long_number_is_skipped() -> None:
    text = make_event().model_dump_json().replace("{", f'{{"new_field": {"9" * 5_000}, ', 1)
    assert read_event(text.encode()) is None


def test_only_higher_sequence_is_accepted() -> None:
    tracker = RunTracker()
    accepted = [tracker.accept(make_received_event(sequence=number)) for number in (1, 2, 2, 1, 4, 3)]
    assert accepted == [True, True, False, False, True, False]
    assert tracker.end_of_run() is None


def test_republished_final_event_ends_run_of_new_tracker() -> None:
    tracker = RunTracker()
    assert tracker.accept(make_received_event("completed", 9))
    assert tracker.end_of_run() is not None


def test_retry_waits_for_run_after_last_known() -> None:
    tracker = RunTracker.for_next_run(make_received_event("failed", 10, run=1))
    assert not tracker.accept(make_received_event("failed", 10, run=1))
    assert tracker.accept(make_received_event("pending", 11, run=2))
    assert tracker.end_of_run() is None
    assert tracker.accept(make_received_event("completed", 12, run=2))
    assert tracker.end_of_run() is not None


def test_end_of_previous_run_does_not_end_retry() -> None:
    tracker = RunTracker.for_next_run(make_received_event("running", 10, run=1))
    assert tracker.accept(make_received_event("failed", 11, run=1))
    assert tracker.end_of_run() is None


def test_retry_of_unknown_job_ignores_first_final_event() -> None:
    """It belongs to the run before the retry."""
    tracker = RunTracker.for_next_run(None)
    tracker.accept(make_received_event("failed", 10, run=3))
    assert tracker.end_of_run() is None
    tracker.accept(make_received_event("completed", 12, run=4))
    assert tracker.end_of_run() is not None


def test_retry_of_unknown_job_follows_run_that_starts() -> None:
    tracker = RunTracker.for_next_run(None)
    tracker.accept(make_received_event("pending", 11, run=2))
    tracker.accept(make_received_event("cancelled", 12, run=2))
    assert tracker.end_of_run() is not None


@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", ExitCode.OK), ("failed", ExitCode.FAILED), ("cancelled", ExitCode.CANCELLED)],
)
def test_final_status_sets_exit_code(status: str, code: ExitCode) -> None:
    assert exit_code_for(make_event(status)) == code


def test_failed_event_without_job_is_invalid_input() -> None:
    error = {"code": "invalid_request", "message": "The dataset is not known."}
    assert exit_code_for(make_event("failed", 0, job_id=None, error=error)) == ExitCode.USAGE
