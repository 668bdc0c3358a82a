"""A page of an export is read again after an outage, a few times."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import pytest

from consumer.http.rejected import csv_response, page_retry
from consumer.http.rejected.csv_response import RejectedReader
from consumer.http.rejected.cursor import FIRST_PAGE, RejectedCursor
from consumer.store.errors import DatabaseUnavailableError
from consumer.store.rejected_pages import ALL_ROWS, LoadReplacedError, RejectedPage

PAGE = RejectedPage([], None, 1)
ATTEMPTS = len(page_retry.RETRY_DELAYS) + 1


class _Reader:
    """Raises `errors` one after another, then returns PAGE."""

    job_id = 7

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.calls = 0

    async def page(self, after: RejectedCursor, limit: int) -> RejectedPage:
        assert (after, limit) == (FIRST_PAGE, 10)
        self.calls += 1
        if self._errors:
            raise self._errors.pop(0)
        return PAGE


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds waited, without waiting."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return waited


def _read(reader: _Reader) -> RejectedPage:
    return asyncio.run(page_retry.read_page(cast("RejectedReader", reader), FIRST_PAGE, 10))


@pytest.mark.parametrize("outages", range(ATTEMPTS))
def test_page_is_read_again_after_outages(outages: int, delays: list[float]) -> None:
    reader = _Reader(*[DatabaseUnavailableError("too slow")] * outages)
    assert _read(reader) is PAGE
    assert delays == list(page_retry.RETRY_DELAYS[:outages])


def test_an_outage_that_lasts_is_raised(delays: list[float]) -> None:
    reader = _Reader(*[DatabaseUnavailableError("down")] * ATTEMPTS)
    with pytest.raises(DatabaseUnavailableError):
        _read(reader)
    assert reader.calls == ATTEMPTS


def test_another_error_is_raised_at_once(delays: list[float]) -> None:
    reader = _Reader(LoadReplacedError(7, 1))
    with pytest.raises(LoadReplacedError):
        _read(reader)
    assert (reader.calls, delays) == (1, [])


class _Database:
    @asynccontextmanager
    async def read_transaction(self) -> AsyncIterator[None]:
        yield


@pytest.fixture
def column_reader(monkeypatch: pytest.MonkeyPatch) -> RejectedReader:
    """Two scans find the columns; the second one fails twice before."""
    answers: list[Any] = [(["b"], 5), *[DatabaseUnavailableError("too slow")] * 2, (["a"], None)]

    async def record_columns(*_: Any) -> tuple[list[str], int | None]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return cast("tuple[list[str], int | None]", answer)

    async def source_column_names(*_: Any) -> list[str]:
        return ["a", "b"]

    monkeypatch.setattr(csv_response, "record_columns", record_columns)
    monkeypatch.setattr(csv_response, "source_column_names", source_column_names)
    return RejectedReader(cast("Any", _Database()), 7, ALL_ROWS)


def test_columns_of_a_workbook_are_read_again_after_outages(
    column_reader: RejectedReader, delays: list[float]
) -> None:
    attempt = partial(page_retry.with_retries, job_id=7)
    assert asyncio.run(column_reader.columns(1, 1, attempt)) == ["a", "b"]
    assert delays == [1.0, 2.0]


def test_columns_of_a_csv_are_read_once(column_reader: RejectedReader, delays: list[float]) -> None:
    with pytest.raises(DatabaseUnavailableError):
        asyncio.run(column_reader.columns(1, 1))
    assert delays == []
