import json

import pytest

from producer_cli.errors import ExitCode
from producer_cli.events import RunTracker, exit_code_for, read_event
from tests.support.status_event_factories import make_event, make_received_event


def test_an_event_keeps_unknown_fields_in_its_text_and_stays_on_one_line() -> None:
    body = json.loads(make_event().model_dump_json()) | {"new_field": "Чаты"}
    sighting = read_event(json.dumps(body, indent=2).encode())
    assert sighting is not None
    assert "\n" not in sighting.json_line
    assert json.loads(sighting.json_line) == body


@pytest.mark.parametrize("value", [None, b"", b"{}", b"no json", b"\xff\xfe"])
def test_what_is_no_event_is_passed_over(value: bytes | None) -> None:
    assert read_event(value) is None


def test_an_event_with_a_number_that_python_does_not_convert_is_passed_over() -> None:
    text = make_event().model_dump_json().replace("{", f'{{"new_field": {"9" * 5_000}, ', 1)
    assert read_event(text.encode()) is None


def test_only_a_higher_sequence_is_news() -> None:
    fold = RunTracker()
    taken = [fold.accept(make_received_event(sequence=number)) for number in (1, 2, 2, 1, 4, 3)]
    assert taken == [True, True, False, False, True, False]
    assert fold.end_of_run() is None


def test_an_end_sent_again_is_an_end_for_who_asks_again() -> None:
    fold = RunTracker()
    assert fold.accept(make_received_event("completed", 9))
    assert fold.end_of_run() is not None


def test_a_retry_waits_for_the_run_after_the_known_one() -> None:
    fold = RunTracker.for_next_run(make_received_event("failed", 10, run=1))
    assert not fold.accept(make_received_event("failed", 10, run=1))
    assert fold.accept(make_received_event("pending", 11, run=2))
    assert fold.end_of_run() is None
    assert fold.accept(make_received_event("completed", 12, run=2))
    assert fold.end_of_run() is not None


def test_a_retry_is_not_ended_by_the_end_of_the_run_before_it() -> None:
    fold = RunTracker.for_next_run(make_received_event("running", 10, run=1))
    assert fold.accept(make_received_event("failed", 11, run=1))
    assert fold.end_of_run() is None


def test_a_retry_of_a_job_that_is_not_known_takes_an_end_that_comes_first_for_the_old_one() -> None:
    fold = RunTracker.for_next_run(None)
    fold.accept(make_received_event("failed", 10, run=3))
    assert fold.end_of_run() is None
    fold.accept(make_received_event("completed", 12, run=4))
    assert fold.end_of_run() is not None


def test_a_retry_of_a_job_that_is_not_known_waits_for_the_run_that_begins() -> None:
    fold = RunTracker.for_next_run(None)
    fold.accept(make_received_event("pending", 11, run=2))
    fold.accept(make_received_event("cancelled", 12, run=2))
    assert fold.end_of_run() is not None


@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", ExitCode.OK), ("failed", ExitCode.FAILED), ("cancelled", ExitCode.CANCELLED)],
)
def test_the_end_of_a_job_is_the_exit_code(status: str, code: ExitCode) -> None:
    assert exit_code_for(make_event(status)) == code


def test_a_request_that_never_became_a_job_is_wrong_input() -> None:
    error = {"code": "invalid_request", "message": "The dataset is not known."}
    assert exit_code_for(make_event("failed", 0, job_id=None, error=error)) == ExitCode.USAGE
