import json

import pytest

from producer_cli.events import Fold, exit_of, read_event
from producer_cli.exits import Exit
from tests.unit.producer_cli.making import make_event, make_sighting


def test_an_event_keeps_unknown_fields_in_its_text_and_stays_on_one_line() -> None:
    body = json.loads(make_event().model_dump_json()) | {"new_field": "Чаты"}
    sighting = read_event(json.dumps(body, indent=2).encode())
    assert sighting is not None
    assert "\n" not in sighting.text
    assert json.loads(sighting.text) == body


@pytest.mark.parametrize("value", [None, b"", b"{}", b"no json", b"\xff\xfe"])
def test_what_is_no_event_is_passed_over(value: bytes | None) -> None:
    assert read_event(value) is None


def test_an_event_with_a_number_that_python_does_not_convert_is_passed_over() -> None:
    text = make_event().model_dump_json().replace("{", f'{{"new_field": {"9" * 5_000}, ', 1)
    assert read_event(text.encode()) is None


def test_only_a_higher_sequence_is_news() -> None:
    fold = Fold()
    taken = [fold.take(make_sighting(sequence=number)) for number in (1, 2, 2, 1, 4, 3)]
    assert taken == [True, True, False, False, True, False]
    assert fold.end() is None


def test_an_end_sent_again_is_an_end_for_who_asks_again() -> None:
    fold = Fold()
    assert fold.take(make_sighting("completed", 9))
    assert fold.end() is not None


def test_a_retry_waits_for_the_run_after_the_known_one() -> None:
    fold = Fold.for_next_run(make_sighting("failed", 10, run=1))
    assert not fold.take(make_sighting("failed", 10, run=1))
    assert fold.take(make_sighting("pending", 11, run=2))
    assert fold.end() is None
    assert fold.take(make_sighting("completed", 12, run=2))
    assert fold.end() is not None


def test_a_retry_is_not_ended_by_the_end_of_the_run_before_it() -> None:
    fold = Fold.for_next_run(make_sighting("running", 10, run=1))
    assert fold.take(make_sighting("failed", 11, run=1))
    assert fold.end() is None


def test_a_retry_of_a_job_that_is_not_known_takes_an_end_that_comes_first_for_the_old_one() -> None:
    fold = Fold.for_next_run(None)
    fold.take(make_sighting("failed", 10, run=3))
    assert fold.end() is None
    fold.take(make_sighting("completed", 12, run=4))
    assert fold.end() is not None


def test_a_retry_of_a_job_that_is_not_known_waits_for_the_run_that_begins() -> None:
    fold = Fold.for_next_run(None)
    fold.take(make_sighting("pending", 11, run=2))
    fold.take(make_sighting("cancelled", 12, run=2))
    assert fold.end() is not None


@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", Exit.OK), ("failed", Exit.FAILED), ("cancelled", Exit.CANCELLED)],
)
def test_the_end_of_a_job_is_the_exit_code(status: str, code: Exit) -> None:
    assert exit_of(make_event(status)) == code


def test_a_request_that_never_became_a_job_is_wrong_input() -> None:
    error = {"code": "invalid_request", "message": "The dataset is not known."}
    assert exit_of(make_event("failed", 0, job_id=None, error=error)) == Exit.USAGE
