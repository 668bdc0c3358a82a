"""A database with the job `parent`, whose rows 3, 4, 6, 7 and 9 of ten were rejected."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import openpyxl
import pytest
import pytest_asyncio

from consumer.store.database import Database
from consumer.worker.fork_server import ForkServer
from tests.integration.corrections.service import JobService

HEADERS = [
    "ИНН",
    "КПП",
    "Ссылка на чат",
    "Название чата",
    "Телефон владельца чата",
    "Курс",
    "Группа",
    "Заметка",
]
GOOD_INN, BAD_INN = "7707083893", "12"
ROWS: list[list[str | float | None]] = [
    [GOOD_INN, "770701001", "https://max.ru/join/2", "Два", "+79161234567", 1, "Б-1", "a"],
    [BAD_INN, "770701001", "https://max.ru/join/3", "Три", "+79161234567", 1, "Б-1", "b"],
    [GOOD_INN, "770701001", "no link", "Четыре", None, 2, "Б-1", None],
    [GOOD_INN, "770701001", "https://max.ru/join/5", "Пять", None, None, None, None],
    [BAD_INN, "77070", "https://max.ru/join/6", "Шесть", None, 3, "007", "=1"],
    [BAD_INN, "770701001", "https://max.ru/join/7", "Семь", None, 3.5, None, None],
    [GOOD_INN, "770701001", "https://max.ru/join/8", "Восемь", None, None, None, None],
    [None, "770701001", "https://max.ru/join/9", "Девять", None, None, None, None],
    [GOOD_INN, "770701001", "https://max.ru/join/10", "Десять", None, None, None, None],
]


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def fork_server() -> AsyncIterator[ForkServer]:
    server = ForkServer(dict(os.environ))
    await server.start()
    yield server
    await server.close()


@pytest.fixture
def service(database: Database, tmp_path: Path, fork_server: ForkServer) -> JobService:
    return JobService(database, tmp_path, fork_server)


@pytest_asyncio.fixture
async def parent(service: JobService) -> int:
    """The job whose rows are corrected; returns its number."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADERS)
    for row in ROWS:
        sheet.append(row)
    book.save(service.inbox / "chats.xlsx")
    job = await service.import_workbook("chats.xlsx")
    assert (job.status, job.total, job.failed) == ("completed", 9, 5)
    return job.id
