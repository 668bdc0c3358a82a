"""The operator's page grants all privileges that the service needs in Postgres, and no others."""

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

from consumer.datasets.registry import find
from consumer.errors import LeaseLostError
from consumer.lifecycle import Complete, Fail
from consumer.store import (
    commands,
    database_rejections,
    job_progress,
    leases,
    migrate,
    pruning,
    rate_limits,
    requests,
    transitions,
)
from consumer.store.batch_writer import BatchWriter
from consumer.store.batches import Batch
from consumer.store.database import Database
from consumer.store.errors import QueryError
from devstack.stack import Stack
from schemas.requests import CancelRequest, RetryRequest
from schemas.topics import ALL_TOPICS, INTAKE_GROUP
from tests.integration.store.old_jobs import no_pause
from tests.support.chat_loads import TODAY, make_chunk
from tests.support.doc_pages import code_names, read_page, section, table_rows
from tests.support.job_factories import expire_lease, make_pending_job, make_running_job, make_taken_over_job

RIGHTS = read_page("docs/operations.md").split("## Rights\n")[1]
CREATE_ROLES, GRANTS = re.findall(r"```sql\n(.*?)```", section(RIGHTS, "In Postgres"), re.DOTALL)
EACH_GRANT = [line for line in GRANTS.splitlines() if line.startswith("grant")]
OWNER, SERVICE = "migration_owner", "migration_service"
CHATS = find("chats")
NOW = timedelta()
_numbers = itertools.count()


@dataclass(frozen=True)
class DatabaseRoles:
    """A database with both roles of the page, under names unique to the test."""

    url: str
    suffix: str

    def dsn_of(self, role: str) -> str:
        """The DSN of a role."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=f"{role}{self.suffix}:secret@{parts.netloc.split('@')[1]}").geturl()

    def run(self, url: str, script: str) -> None:
        """Run statements of the page."""
        for role in (OWNER, SERVICE):
            script = script.replace(role, f"{role}{self.suffix}")
        asyncio.run(_execute(url, script))


MAY_MAKE_ROLES = "select rolsuper or rolcreaterole from pg_roles where rolname = current_user"


@pytest.fixture
def roles(stack: Stack, empty_database_url: str) -> Iterator[DatabaseRoles]:
    if not asyncio.run(_fetchval(empty_database_url, MAY_MAKE_ROLES)):
        pytest.skip("the user of this stack may not make roles")
    made = DatabaseRoles(empty_database_url, f"_{os.getpid()}_{next(_numbers)}")
    name = urlsplit(empty_database_url).path.strip("/")
    made.run(empty_database_url, CREATE_ROLES.replace("database migration", f'database "{name}"'))
    try:
        for role in (OWNER, SERVICE):
            stack.execute(f"alter role {role}{made.suffix} password 'secret'")
        asyncio.run(migrate.upgrade(made.dsn_of(OWNER)))
        yield made
    finally:
        stack.drop_database(name)
        for role in (SERVICE, OWNER):
            stack.execute(f"drop role if exists {role}{made.suffix}")


def test_granted_rights_are_sufficient(roles: DatabaseRoles) -> None:
    roles.run(roles.dsn_of(OWNER), GRANTS)
    asyncio.run(_use_everything(roles.dsn_of(SERVICE)))
    asyncio.run(migrate.upgrade(roles.dsn_of(OWNER)))  # again, when all is there


@pytest.mark.parametrize("missing", EACH_GRANT)
def test_every_granted_right_is_needed(roles: DatabaseRoles, missing: str) -> None:
    roles.run(roles.dsn_of(OWNER), GRANTS.replace(missing, ""))
    with pytest.raises(QueryError, match="42501"):
        asyncio.run(_use_everything(roles.dsn_of(SERVICE)))


def test_service_role_cannot_change_the_schema(roles: DatabaseRoles) -> None:
    roles.run(roles.dsn_of(OWNER), GRANTS)
    with pytest.raises(QueryError, match="42501"):
        asyncio.run(migrate.upgrade(roles.dsn_of(SERVICE)))


def test_kafka_rights_are_listed_for_every_topic_and_the_group() -> None:
    resources = [code_names(resource) for _, resource, _, _ in table_rows(section(RIGHTS, "In Kafka"))]
    listed = {name for found in resources for name in found}
    assert listed == {*(topic.name for topic in ALL_TOPICS), INTAKE_GROUP}


async def _use_everything(dsn: str) -> None:
    """Use all tables of the service, and most of its statements."""
    async with _open(dsn) as database:
        await _record_and_publish(database)
        await _import(database)
        await _take_over(database)
        await _prune(database)


async def _record_and_publish(database: Database) -> None:
    await make_pending_job(database, "r-cancelled")
    async with database.transaction() as connection:
        cancel = CancelRequest(action="cancel", request_id="r-cancelled")
        assert await commands.apply_command(connection, "c-1", cancel) is None
        retry = RetryRequest(action="retry", request_id="r-cancelled")
        assert await commands.apply_command(connection, "c-2", retry) is None
        assert await commands.apply_command(connection, "c-3", cancel) is None
        await requests.emit_invalid_request(connection, "r-wrong", "the request is wrong")
    token = await _elect_relay(database)
    async with database.transaction() as connection:
        await leases.renew(connection, leases.RELAY_LEASE, token, 10)
        await leases.release(connection, leases.RELAY_LEASE, token)
    assert await rate_limits.acquire(database, "google:x", limit=1, window_seconds=60) == 0


async def _elect_relay(database: Database) -> int:
    async with database.transaction() as connection:
        token = await leases.try_acquire(connection, leases.RELAY_LEASE, "owner", 10)
    assert token is not None
    return token


async def _import(database: Database) -> None:
    for request_id, name in (("r-1", "first"), ("r-2", "second")):
        _, owned = await make_running_job(database, request_id)
        async with database.transaction() as connection:
            await job_progress.start_load(connection, owned, "the file", None, {})
            await database_rejections.record_database_rejections(connection, owned, {9: "22001"})
        session = await BatchWriter.open(database, owned, CHATS.make_merge_plan("excel"))
        job = await session.write(_batch(name))
        await session.close()
        async with database.transaction() as connection:
            await job_progress.set_total(connection, owned, job.rows_done)
            await transitions.apply(connection, owned.job_id, owned.token, Complete())


async def _take_over(database: Database) -> None:
    old, new = await make_taken_over_job(database, "r-lost")
    session = await BatchWriter.open(database, new, CHATS.make_merge_plan("excel"))
    await expire_lease(database, new.job_id)
    async with database.transaction() as connection:
        await leases.terminate_backend(connection, leases.job_lease_name(new.job_id))
    session.terminate()
    with pytest.raises(LeaseLostError):
        async with database.transaction() as connection:
            await transitions.lock_owned_job(connection, old)
    async with database.transaction() as connection:
        await transitions.apply(connection, new.job_id, new.token, Fail("no_rows", "none"))


async def _prune(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.execute("update migration.outbox set published_at = clock_timestamp()")
    assert await pruning.prune_rejected_rows(database, NOW, no_pause) == 2
    await pruning.prune_events(database, NOW, no_pause)
    assert await pruning.prune_commands(database, NOW, no_pause)
    assert await pruning.prune_jobs(database, NOW, no_pause)


def _batch(name: str) -> Batch:
    """A batch with a row of every kind, and a rejected one."""
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
    checked = CHATS.make_validator("excel", TODAY).validate(make_chunk([fit, fit | {"inn": ""}]), {})
    sections = {section: memoryview(text) for section, text in checked.copy_streams.items()}
    return Batch(3, checked.accepted, checked.rejected, checked.warnings, sections)


@asynccontextmanager
async def _open(dsn: str) -> AsyncIterator[Database]:
    database = await Database.open(dsn)
    try:
        yield database
    finally:
        await database.close()


async def _fetchval(url: str, question: str) -> Any:
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
