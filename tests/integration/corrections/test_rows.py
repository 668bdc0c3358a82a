"""What becomes of each row of a file of corrections: in the correction, its job and the target."""

import pytest

from consumer.store.database import Database
from schemas.status import Status
from tests.integration.corrections.conftest import GOOD_INN
from tests.integration.corrections.files import (
    RejectedFile,
    marks,
    rejected_file,
    rejects,
    urls,
)
from tests.integration.corrections.service import JobService
from tests.support.job_factories import get_job, outbox_events

IMPORTED = [f"https://max.ru/join/{number}" for number in (10, 2, 5, 8)]


@pytest.fixture
async def rejected(database: Database, parent: int) -> RejectedFile:
    """The rejected rows, to be edited; they are in the rows 3, 4, 6, 7 and 9."""
    made = await rejected_file(database)
    assert [row.number for row in made.rows] == [3, 4, 6, 7, 9]
    return made


async def test_corrected_row_is_stored_and_marked(
    service: JobService, rejected: RejectedFile, parent: int
) -> None:
    rejected.fix(3, ИНН=GOOD_INN)
    job = await service.correct(rejected.save(service.inbox / "fixed.xlsx"))
    assert (job.status, job.total, job.inserted, job.untouched) == (Status.COMPLETED, 5, 1, 4)
    assert await urls(service.database) == sorted([*IMPORTED, "https://max.ru/join/3"])
    assert await marks(service.database) == {3: job.id, 4: None, 6: None, 7: None, 9: None}
    corrected = await get_job(service.database, "parent")
    assert corrected.corrections is not None
    assert (corrected.corrections.corrected, corrected.corrections.open) == (1, 4)


async def test_row_that_is_still_wrong_is_rejected_under_its_row_number(
    service: JobService, rejected: RejectedFile
) -> None:
    rejected.fix(6, ИНН=GOOD_INN)
    job = await service.correct(rejected.save(service.inbox / "fixed.xlsx"))
    assert (job.status, job.failed, job.processed, job.untouched) == (Status.COMPLETED, 1, 0, 4)
    assert await rejects(service.database) == [(6, ["kpp"])]
    assert set((await marks(service.database)).values()) == {None}


async def test_unchanged_file_completes_and_changes_nothing(
    service: JobService, rejected: RejectedFile
) -> None:
    job = await service.correct(rejected.save(service.inbox / "same.xlsx"))
    assert (job.status, job.total, job.untouched, job.failed) == (Status.COMPLETED, 5, 5, 0)
    assert await rejects(service.database) == []
    assert await urls(service.database) == sorted(IMPORTED)


@pytest.mark.parametrize("word", ["да", "Да ", "yes", "TRUE"])
async def test_skipped_row_is_dismissed(service: JobService, rejected: RejectedFile, word: str) -> None:
    rejected.row(4).skip = word
    job = await service.correct(rejected.save(service.inbox / "skip.xlsx"))
    assert (job.status, job.dismissed, job.untouched) == (Status.COMPLETED, 1, 4)
    assert (await marks(service.database))[4] == "ivanova"
    corrected = await get_job(service.database, "parent")
    assert corrected.corrections is not None
    assert (corrected.corrections.dismissed, corrected.corrections.open) == (1, 4)


async def test_row_corrected_by_another_file_is_no_error(service: JobService, rejected: RejectedFile) -> None:
    rejected.fix(3, ИНН=GOOD_INN)
    first = await service.correct(rejected.save(service.inbox / "first.xlsx"))
    rejected.fix(3, **{"Название чата": "Иначе"})
    second = await service.correct(rejected.save(service.inbox / "second.xlsx"), "child-2")
    assert (second.status, second.already_corrected, second.untouched, second.failed) == (
        Status.COMPLETED, 1, 4, 0,
    )  # fmt: skip
    assert (await marks(service.database))[3] == first.id


async def test_second_row_with_one_key_is_rejected(service: JobService, rejected: RejectedFile) -> None:
    rejected.fix(3, ИНН=GOOD_INN)
    rejected.rows.append(rejected.row(3).copy(ИНН="7736207543"))
    job = await service.correct(rejected.save(service.inbox / "twice.xlsx"))
    assert (job.inserted, job.failed, job.untouched) == (1, 1, 4)
    assert await rejects(service.database) == [(3, ["duplicate_correction"])]


async def test_row_of_another_load_is_stale(service: JobService, rejected: RejectedFile) -> None:
    rejected.fix(3, ИНН=GOOD_INN)
    key = rejected.row(3).key
    assert key is not None
    rejected.row(3).key = key[:-4] + "0000"
    job = await service.correct(rejected.save(service.inbox / "stale.xlsx"))
    assert (job.inserted, job.failed) == (0, 1)
    assert await rejects(service.database) == [(None, ["stale_correction"])]


async def test_row_without_key_is_found_by_number_and_link_or_inn(
    service: JobService, rejected: RejectedFile
) -> None:
    rejected.fix(3, ИНН=GOOD_INN)  # the link is the same
    rejected.fix(4, **{"Ссылка на чат": "https://max.ru/join/4"})  # the ИНН is
    rejected.fix(6, **{"ИНН": GOOD_INN, "Ссылка на чат": "https://max.ru/join/66", "КПП": None})
    job = await service.correct(rejected.save(service.inbox / "lost.xlsx", hidden_key=False))
    assert (job.inserted, job.failed, job.untouched) == (2, 1, 2)
    assert await rejects(service.database) == [(None, ["unknown_row"])]


async def test_deleted_sorted_and_added_rows_and_columns_do_no_harm(
    service: JobService, rejected: RejectedFile
) -> None:
    rejected.fix(3, ИНН=GOOD_INN)
    rejected.fix(9, ИНН=GOOD_INN)
    rejected.rows = [rejected.row(9), rejected.row(3), rejected.row(7)]
    rejected.columns = ["Мой столбец", *reversed(rejected.columns)]
    job = await service.correct(rejected.save(service.inbox / "sorted.xlsx"))
    assert (job.status, job.total, job.inserted, job.untouched) == (Status.COMPLETED, 3, 2, 1)
    assert await marks(service.database) == {3: job.id, 4: None, 6: None, 7: None, 9: job.id}


async def test_csv_is_taken(service: JobService, rejected: RejectedFile) -> None:
    rejected.fix(6, ИНН=GOOD_INN, КПП="770701001")
    job = await service.correct(rejected.save_csv(service.inbox / "fixed.csv", ";"))
    assert (job.status, job.inserted, job.untouched) == (Status.COMPLETED, 1, 4)


async def test_events_of_a_correction_tell_what_is_open(
    service: JobService, rejected: RejectedFile, parent: int
) -> None:
    before = await outbox_events(service.database, parent)
    rejected.fix(3, ИНН=GOOD_INN)
    rejected.row(4).skip = "да"
    job = await service.correct(rejected.save(service.inbox / "fixed.xlsx"))
    first, *_, last = await outbox_events(service.database, job.id)
    assert first["corrects"] == {"request_id": "parent", "corrected": 0, "dismissed": 0, "open": 5}
    assert last["corrects"] == {"request_id": "parent", "corrected": 1, "dismissed": 1, "open": 3}
    assert (last["untouched"], last["dismissed"], last["already_corrected"]) == (3, 1, 0)
    assert await outbox_events(service.database, parent) == before, "the corrected job sends no event"
