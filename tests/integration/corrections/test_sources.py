"""The source of the corrected job decides columns, rules, merge and tag, whatever file comes back."""

from dataclasses import replace
from pathlib import Path

import openpyxl
import pytest

from consumer.store.database import Database
from schemas.status import Status
from tests.integration.corrections.conftest import GOOD_INN
from tests.integration.corrections.files import OWN_AFTER, OWN_BEFORE, marks, rejected_file, write_sheet
from tests.integration.corrections.service import JobService
from tests.support.job_factories import execute, fetch

TABLE = """
create table public.chats (
  id bigint primary key, inn text, name text, url text, admin_phone text, source text);
insert into public.chats values
  (5, '7707083893', 'Пять', 'https://max.ru/join/5', '+79161234567', 'admin_panel'),
  (-7, '12', 'Семь', 'https://max.ru/join/7', '+79161234567', 'admin_panel'),
  (9, '7707083893', 'Девять', 'no link', null, null);
insert into directory.universities (inn, kpp, name, foiv, region, region_number)
values ('7707083893', '770701001', 'Университет', '', '', '')
"""
STORED = """
select c.url, c.source, u.kpp, array(select phone from directory.administrators a where a.chat_id = c.id)
from directory.chats c join directory.universities u on u.id = c.university_id order by c.url
"""


async def test_rows_of_a_database_are_corrected_as_such(service: JobService) -> None:
    """A database has no КПП: its rows take the one university with the ИНН, and the tag `admin_panel`."""
    for statement in TABLE.split(";\n"):
        await execute(service.database, statement)
    of_database = replace(service, secrets={"dsn": service.database.dsn})
    parent = await of_database.run(
        "parent", {"type": "database", "connection": "crm", "table": "public.chats"}
    )
    assert (parent.status, parent.total, parent.failed) == (Status.COMPLETED, 3, 2)
    file = await rejected_file(service.database)
    assert [row.number for row in file.rows] == [-7, 9]
    file.fix(-7, inn=GOOD_INN)
    job = await service.correct(file.save(service.inbox / "fixed.xlsx"))
    assert (job.status, job.inserted, job.untouched, job.source_type) == (Status.COMPLETED, 1, 1, "excel")
    assert await fetch(service.database, STORED) == [
        ("https://max.ru/join/5", "admin_panel", "770701001", ["+79161234567"]),
        ("https://max.ru/join/7", "admin_panel", "770701001", ["+79161234567"]),
    ]
    assert await marks(service.database) == {-7: job.id, 9: None}


@pytest.mark.usefixtures("parent")
async def test_rows_of_a_spreadsheet_keep_their_tag(service: JobService) -> None:
    """As of a job that read the same columns from a Google spreadsheet."""
    await execute(service.database, "update migration.jobs set source_type = 'google_sheets'")
    file = await rejected_file(service.database)
    file.fix(3, ИНН=GOOD_INN)
    await service.correct(file.save(service.inbox / "fixed.xlsx"))
    tags = dict(await fetch(service.database, "select url, source from directory.chats"))
    assert (tags["https://max.ru/join/3"], tags["https://max.ru/join/2"]) == (
        "bot_registrar",
        "academic_group",
    )


@pytest.mark.usefixtures("parent")
async def test_all_sheets_with_our_header_are_read(service: JobService, tmp_path: Path) -> None:
    """Hidden sheets and those of a person are passed over; row numbers of two sheets do not conflict."""
    file = await rejected_file(service.database)
    file.fix(3, ИНН=GOOD_INN)
    file.fix(9, ИНН=GOOD_INN)
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.append(["Заметки", "ничего"])
    for number, part in enumerate((file.rows[:2], file.rows[2:4], file.rows[4:])):
        sheet = book.create_sheet(f"Строки {number}")
        write_sheet(sheet, file.columns, part)
    hidden = book.create_sheet("_migration")
    hidden.append(["format_version", "1"])
    hidden.sheet_state = "hidden"
    book.save(tmp_path / "sheets.xlsx")
    job = await service.correct("sheets.xlsx")
    assert (job.status, job.total, job.inserted, job.untouched) == (Status.COMPLETED, 5, 2, 3)
    assert await marks(service.database) == {3: job.id, 4: None, 6: None, 7: None, 9: job.id}


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (["ИНН", "Ссылка на чат"], "no_header"),
        ([*OWN_BEFORE, "ИНН", *OWN_AFTER], "missing_column"),
        ([*OWN_BEFORE, *OWN_AFTER], "missing_column"),
    ],
)
async def test_file_without_our_columns_fails_with_a_sentence(
    service: JobService, database: Database, parent: int, header: list[str], code: str
) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(header)
    sheet.append(["x"] * len(header))
    book.save(service.inbox / "other.xlsx")
    job = await service.correct("other.xlsx")
    assert (job.status, job.error_code) == (Status.FAILED, code)
    assert set((await marks(database)).values()) == {None}
    assert parent
