"""Wrong values of earlier versions: `doctor` counts them, the statements of docs/chats.md delete them."""

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

VALID = ["+79161234567", "+70000000000", "+375291234567", "+16502530000"]
WRONG_FORM = ["+749598853881311", "+7916123456", "+1234567890123456"]
WRONG_IN_COUNTRY = ["+9161234567", "+12345678"]
STATEMENTS = re.findall(
    r"```sql\n(.*?)```", section(read_page("docs/chats.md"), "What was stored wrongly"), re.DOTALL
)
LIST_PHONES, DROP_PHONES, DROP_IDS, LIST_DATES, DROP_DATES, DROP_ALL = STATEMENTS


def dates() -> dict[date | None, bool]:
    """Date → whether the rules accept it."""
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
    """To a database of administrators and chats, some of whose phones and dates are wrong."""
    connection = await asyncpg.connect(database_url)
    university = await connection.fetchval(
        "insert into directory.universities (inn) values ('7707083893') returning id"
    )
    chats = [
        await connection.fetchval(
            "insert into directory.chats (url, created_on, university_id, source) "
            "values ($1, $2, $3, 'academic_group') returning id",
            f"https://max.ru/{index}", day, university,
        )
        for index, day in enumerate(dates())
    ]  # fmt: skip
    for phone in (*VALID, *WRONG_FORM, *WRONG_IN_COUNTRY):
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


async def test_doctor_counts_invalid_values(connection: Connection, database_url: str) -> None:
    wrong = await connection.fetch(
        "select id from directory.administrators where phone = any ($1) order by id",
        [*WRONG_FORM, *WRONG_IN_COUNTRY],
    )
    ids = ", ".join(str(row[0]) for row in wrong)
    (phone_severity, phone_message), (date_severity, date_message) = await findings(database_url)
    assert phone_severity is date_severity is Severity.NOTE
    assert phone_message == (
        f"Postgres: 5 phones in directory.administrators that are none (id {ids}); "
        "docs/chats.md says how to remove them"
    )
    assert date_message.startswith("Postgres: 3 dates in directory.chats before 1990 or after tomorrow (id ")
    assert not any(phone in phone_message for phone in (*WRONG_FORM, *WRONG_IN_COUNTRY))


async def test_documented_statements_list_and_delete_invalid_values(
    connection: Connection, database_url: str
) -> None:
    assert [row["phone"] for row in await connection.fetch(LIST_PHONES)] == WRONG_FORM
    await connection.execute(DROP_PHONES)
    assert await phones(connection) == [*VALID, *WRONG_IN_COUNTRY]
    ids = re.search(r"\(id ([0-9, ]+)\)", (await findings(database_url))[0][1])
    assert ids is not None
    await connection.execute(DROP_IDS.replace("101, 102", ids[1]))
    assert await phones(connection) == VALID
    wrong = {day for day, valid in dates().items() if not valid}
    assert {row["created_on"] for row in await connection.fetch(LIST_DATES)} == wrong
    await connection.execute(DROP_DATES)
    stored = {row[0] for row in await connection.fetch("select created_on from directory.chats")}
    assert stored == {day for day, valid in dates().items() if valid}
    assert [severity for severity, _ in await findings(database_url)] == [Severity.OK, Severity.OK]
    await connection.execute(DROP_ALL)
    assert await phones(connection) == []
