"""What earlier versions stored wrongly is counted by the doctor and removed by the statements of the page."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest_asyncio

from consumer import doctor
from consumer.datasets.chats.stored_value_checks import STORED_VALUE_CHECKS
from consumer.doctor import Severity
from consumer.store.connect import Connection
from tests.support.doc_pages import read_page, section

KEPT = ["+79161234567", "+70000000000", "+375291234567", "+16502530000"]
BY_FORM = ["+749598853881311", "+7916123456", "+1234567890123456"]
BY_COUNTRY = ["+9161234567", "+12345678"]
STATEMENTS = re.findall(
    r"```sql\n(.*?)```", section(read_page("docs/chats.md"), "What was stored wrongly"), re.DOTALL
)
LIST_PHONES, DROP_PHONES, DROP_IDS, LIST_DATES, DROP_DATES, DROP_ALL = STATEMENTS


def days() -> dict[date | None, bool]:
    """Dates, and whether the rules keep them."""
    today = datetime.now(UTC).date()
    return {
        None: True,
        date(1990, 1, 1): True,
        today: True,
        date(1989, 12, 31): False,
        date(1905, 7, 16): False,
        today + timedelta(days=3): False,
    }


@pytest_asyncio.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """Administrators with good phones and wrong ones, chats with good dates and wrong ones."""
    connection = await asyncpg.connect(database_url)
    university = await connection.fetchval(
        "insert into directory.universities (inn) values ('7707083893') returning id"
    )
    chats = [
        await connection.fetchval(
            "insert into directory.chats (url, created_on, university_id, source) "
            "values ($1, $2, $3, 'academic_group') returning id",
            f"https://max.ru/{place}", day, university,
        )
        for place, day in enumerate(days())
    ]  # fmt: skip
    for phone in (*KEPT, *BY_FORM, *BY_COUNTRY):
        await connection.execute(
            "insert into directory.administrators (chat_id, phone, add_user, add_admin) "
            "values ($1, $2, true, true)",
            chats[0], phone,
        )  # fmt: skip
    yield connection
    await connection.execute(
        "truncate directory.universities, directory.chats, directory.administrators cascade"
    )
    await connection.close()


async def phones(connection: Any) -> list[str]:
    return [
        row[0] for row in await connection.fetch("select phone from directory.administrators order by id")
    ]


async def findings(database_url: str) -> list[doctor.Finding]:
    return [
        await doctor._stored_values(database_url, check, "docs/chats.md") for check in STORED_VALUE_CHECKS
    ]


async def test_the_doctor_counts_what_the_rules_would_not_give(
    connection: Connection, database_url: str
) -> None:
    wrong = await connection.fetch(
        "select id from directory.administrators where phone = any ($1) order by id", [*BY_FORM, *BY_COUNTRY]
    )
    ids = ", ".join(str(row[0]) for row in wrong)
    (phone_mark, of_phones), (date_mark, of_dates) = await findings(database_url)
    assert phone_mark is date_mark is Severity.NOTE
    assert of_phones == (
        f"Postgres: 5 phones in directory.administrators that are none (id {ids}); "
        "docs/chats.md says how to remove them"
    )
    assert of_dates.startswith("Postgres: 3 dates in directory.chats before 1990 or after tomorrow (id ")
    assert not any(phone in of_phones for phone in (*BY_FORM, *BY_COUNTRY))


async def test_the_statements_of_the_page_list_and_remove_it(
    connection: Connection, database_url: str
) -> None:
    assert [row["phone"] for row in await connection.fetch(LIST_PHONES)] == BY_FORM
    await connection.execute(DROP_PHONES)
    assert await phones(connection) == [*KEPT, *BY_COUNTRY]
    named = re.search(r"\(id ([0-9, ]+)\)", (await findings(database_url))[0][1])
    assert named is not None
    await connection.execute(DROP_IDS.replace("101, 102", named[1]))
    assert await phones(connection) == KEPT
    wrong = {day for day, kept in days().items() if not kept}
    assert {row["created_on"] for row in await connection.fetch(LIST_DATES)} == wrong
    await connection.execute(DROP_DATES)
    stored = {row[0] for row in await connection.fetch("select created_on from directory.chats")}
    assert stored == {day for day, kept in days().items() if kept}
    assert [mark for mark, _ in await findings(database_url)] == [Severity.OK, Severity.OK]
    await connection.execute(DROP_ALL)
    assert await phones(connection) == []
