"""The operator's page grants the service all it needs in Postgres, and nothing that it does not need."""

import asyncio
import itertools
import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from consumer.datasets.find import find
from consumer.errors import LeaseLost
from consumer.lifecycle import Complete, Fail
from consumer.store import commands, leases, loads, migrate, quotas, removal, requests, retention, transitions
from consumer.store.batches import Batch
from consumer.store.database import Database
from consumer.store.errors import StatementFailed
from consumer.store.session import Session
from devstack.stack import Stack
from schemas.requests import CancelRequest, RetryRequest
from schemas.topics import ALL, INTAKE_GROUP
from tests.integration.store.aging import breathe
from tests.integration.store.making import expire, lost, pending, running
from tests.support.chat_loads import TODAY, chunk
from tests.support.pages import names, page, rows, section

RIGHTS = page("docs/operations.md").split("## Rights\n")[1]
MAKING, GRANTS = re.findall(r"```sql\n(.*?)```", section(RIGHTS, "In Postgres"), re.DOTALL)
EACH = [line for line in GRANTS.splitlines() if line.startswith("grant")]
OWNER, SERVICE = "migration_owner", "migration_service"
CHATS = find("chats")
NOW = timedelta()
_numbers = itertools.count()


@dataclass(frozen=True)
class Roles:
    """A database in which both roles of the page are made, under names of this test's own."""

    url: str
    suffix: str

    def of(self, role: str) -> str:
        """The address for a role."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=f"{role}{self.suffix}:secret@{parts.netloc.split('@')[1]}").geturl()

    def run(self, url: str, script: str) -> None:
        """Run statements of the page."""
        for role in (OWNER, SERVICE):
            script = script.replace(role, f"{role}{self.suffix}")
        asyncio.run(_execute(url, script))


MAY_MAKE_ROLES = "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"


@pytest.fixture
def roles(stack: Stack, fresh_database: str) -> Iterator[Roles]:
    if not asyncio.run(_asked(fresh_database, MAY_MAKE_ROLES)):
        pytest.skip("the user of this stack may not make roles")
    made = Roles(fresh_database, f"_{os.getpid()}_{next(_numbers)}")
    name = urlsplit(fresh_database).path.strip("/")
    made.run(fresh_database, MAKING.replace("database migration", f'database "{name}"'))
    try:
        for role in (OWNER, SERVICE):
            stack.execute(f"alter role {role}{made.suffix} password 'secret'")
        asyncio.run(migrate.upgrade(made.of(OWNER)))
        yield made
    finally:
        stack.drop_database(name)
        for role in (SERVICE, OWNER):
            stack.execute(f"drop role if exists {role}{made.suffix}")


def test_they_are_enough(roles: Roles) -> None:
    roles.run(roles.of(OWNER), GRANTS)
    asyncio.run(_everything(roles.of(SERVICE)))
    asyncio.run(migrate.upgrade(roles.of(OWNER)))  # again, when all is there


@pytest.mark.parametrize("missing", EACH)
def test_none_of_them_is_spare(roles: Roles, missing: str) -> None:
    roles.run(roles.of(OWNER), GRANTS.replace(missing, ""))
    with pytest.raises(StatementFailed, match="42501"):
        asyncio.run(_everything(roles.of(SERVICE)))


def test_the_service_cannot_change_what_is_there(roles: Roles) -> None:
    roles.run(roles.of(OWNER), GRANTS)
    with pytest.raises(StatementFailed, match="42501"):
        asyncio.run(migrate.upgrade(roles.of(SERVICE)))


def test_the_rights_in_kafka_are_told_for_every_topic_and_for_the_group() -> None:
    resources = [names(resource) for _, resource, _, _ in rows(section(RIGHTS, "In Kafka"))]
    told = {name for found in resources for name in found}
    assert told == {*(topic.name for topic in ALL), INTAKE_GROUP}


async def _everything(dsn: str) -> None:
    """What the service does in its life, all tables of its own and most statements."""
    async with _opened(dsn) as database:
        await _asked_for_and_told(database)
        await _imported(database)
        await _taken_over(database)
        await _pruned(database)


async def _asked_for_and_told(database: Database) -> None:
    await pending(database, "r-cancelled")
    async with database.transaction() as connection:
        cancel = CancelRequest(action="cancel", request_id="r-cancelled")
        assert await commands.obey(connection, "c-1", cancel) is None
        retry = RetryRequest(action="retry", request_id="r-cancelled")
        assert await commands.obey(connection, "c-2", retry) is None
        assert await commands.obey(connection, "c-3", cancel) is None
        await requests.tell_invalid(connection, "r-wrong", "the request is wrong")
    token = await _elected(database)
    async with database.transaction() as connection:
        await leases.renew(connection, leases.RELAY, token, 10)
        await leases.release(connection, leases.RELAY, token)
    assert await quotas.draw(database, "google:x", limit=1, window_seconds=60) == 0


async def _elected(database: Database) -> int:
    async with database.transaction() as connection:
        token = await leases.elect(connection, leases.RELAY, "owner", 10)
    assert token is not None
    return token


async def _imported(database: Database) -> None:
    for request_id, name in (("r-1", "first"), ("r-2", "second")):
        _, owned = await running(database, request_id)
        async with database.transaction() as connection:
            await loads.begin(connection, owned, "the file", None, {})
            await loads.refuse(connection, owned, {9: "22001"})
        session = await Session.open(database, owned, CHATS.merge("excel"))
        job = await session.store(_batch(name))
        await session.close()
        async with database.transaction() as connection:
            await loads.set_total(connection, owned, job.done)
            await transitions.apply(connection, owned.job_id, owned.token, Complete())


async def _taken_over(database: Database) -> None:
    old, new = await lost(database, "r-lost")
    session = await Session.open(database, new, CHATS.merge("excel"))
    await expire(database, new.job_id)
    async with database.transaction() as connection:
        await leases.end_backend(connection, leases.of_job(new.job_id))
    session.cut()
    with pytest.raises(LeaseLost):
        async with database.transaction() as connection:
            await loads.standing(connection, old)
    async with database.transaction() as connection:
        await transitions.apply(connection, new.job_id, new.token, Fail("no_rows", "none"))


async def _pruned(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("update migration.outbox set published_at = clock_timestamp()")
    assert await retention.prune_errors(database, NOW, breathe) == 2
    await retention.prune_events(database, NOW, breathe)
    assert await retention.prune_commands(database, NOW, breathe)
    assert await removal.prune_jobs(database, NOW, breathe)


def _batch(name: str) -> Batch:
    """A row of every kind of thing that can be stored, and a wrong one."""
    fit = {
        "url": "https://max.ru/a",
        "inn": "7707083893",
        "kpp": "770701001",
        "organization": name,
        "name": name,
        "branch": "Ф",
        "faculty": "И",
        "course": 1.0,
        "group": "1",
        "phone": "+79123456789",
        "owner_id": name,
    }
    checked = CHATS.checker("excel", TODAY).check(chunk([fit, fit | {"inn": ""}]), {})
    sections = {section: memoryview(text) for section, text in checked.sections.items()}
    return Batch(3, checked.accepted, checked.rejected, checked.warnings, sections)


@asynccontextmanager
async def _opened(dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(dsn)
    try:
        yield database
    finally:
        await database.close()


async def _asked(url: str, question: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def _execute(url: str, script: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(script)
    finally:
        await connection.close()
