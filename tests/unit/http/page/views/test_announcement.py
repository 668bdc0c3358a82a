"""What a screen reader says of a job and of a list."""

import pytest

from consumer.http.page.formatting import Formatter
from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts
from consumer.http.page.views.announcement import announce_job, announce_list
from consumer.store.jobs import Job
from consumer.waiting import WAITING_FOR_QUOTA
from schemas.status import Status
from tests.support.jobs import CREATED_AT, make_job

ENDED = {"completed_at": CREATED_AT}
RUNNING = {"status": Status.RUNNING, "source_identifier": "a.xlsx"}


def announce(job: Job, language: Language = Language.EN) -> str:
    return announce_job(job, load_texts(language), Formatter(language))


@pytest.mark.parametrize(
    ("job", "text"),
    [
        (make_job(**RUNNING), "a.xlsx: running"),
        (make_job(**RUNNING, total=0), "a.xlsx: running"),
        (make_job(**RUNNING, total=1000, processed=699, inserted=699), "a.xlsx: 60% done"),
        (make_job(**RUNNING, total=1000, processed=1100, inserted=1100), "a.xlsx: 100% done"),
        (make_job(**RUNNING, total=1000, detail=WAITING_FOR_QUOTA), "a.xlsx: waiting for quota"),
        (make_job(**RUNNING, cancel_requested=True), "a.xlsx: Cancelling"),
        (make_job(source_identifier="a.xlsx"), "a.xlsx: Waiting for a free replica"),
        (
            make_job(source_identifier="a.xlsx", error_code="source_unavailable"),
            "a.xlsx: waiting for the next attempt",
        ),
        (
            make_job(source_identifier="a.xlsx", status=Status.COMPLETED, failed=7_412, **ENDED),
            "a.xlsx: import completed, 7,412 rejected",
        ),
        (
            make_job(source_identifier="a.xlsx", status=Status.FAILED, error_code="no_rows", **ENDED),
            "a.xlsx: import failed. No rows",
        ),
        (
            make_job(source_identifier="a.xlsx", status=Status.FAILED, error_code="a_new_code", **ENDED),
            "a.xlsx: import failed. a_new_code",
        ),
        (
            make_job(source_identifier="a.xlsx", status=Status.CANCELLED, **ENDED),
            "a.xlsx: import cancelled",
        ),
    ],
)
def test_state_of_a_job_in_words(job: Job, text: str) -> None:
    assert announce(job) == text


def test_small_steps_are_not_announced() -> None:
    texts = {
        announce(make_job(**RUNNING, total=1000, processed=done, inserted=done, failed=0))
        for done in range(300, 400)
    }
    assert texts == {"a.xlsx: 30% done"}


def test_list_in_words() -> None:
    jobs = [make_job(), make_job(status=Status.RUNNING), make_job(status=Status.RUNNING)]
    jobs.append(make_job(status=Status.CANCELLED, **ENDED))
    assert announce_list(jobs, load_texts(Language.EN)) == "2 running, 1 waiting"
    assert announce_list(jobs, load_texts(Language.RU)) == "Выполняется: 2, ожидает: 1"
