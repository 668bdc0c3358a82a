"""Migrating the schema, concurrently as well; outdated, newer and 0.1 schemas are recognised."""

import asyncio
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic.script import ScriptDirectory
from structlog.testing import capture_logs
from structlog.typing import EventDict

from consumer.store import migrate, schema_version
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailableError, PermissionDeniedError, QueryError
from consumer.store.schema_version import SchemaNotUpgradableError, SchemaOutdatedError
from tests.integration.store.later_revision import add_later_revision
from tests.support.job_factories import execute, fetch
from tests.support.wait import wait_until_async


async def _check(database: Database) -> None:
    async with database.transaction() as connection:
        await schema_version.require_current(connection)


async def test_concurrent_migrations_all_succeed(empty_database_url: str) -> None:
    await asyncio.gather(*(migrate.upgrade(empty_database_url) for _ in range(3)))
    database = await Database.open(empty_database_url)
    await _check(database)
    assert await fetch(database, "select count(*) from migration.jobs") == [(0,)]
    await database.close()


async def test_migrating_again_changes_nothing(database: Database) -> None:
    await execute(database, "create table migration.kept as select 1")
    before = await fetch(database, "select version_num from migration.alembic_version order by 1")
    await migrate.upgrade(database.dsn)
    assert await fetch(database, "select version_num from migration.alembic_version order by 1") == before
    await _check(database)


async def test_empty_database_is_rejected_with_command_to_run(empty_database_url: str) -> None:
    database = await Database.open(empty_database_url)
    with pytest.raises(SchemaOutdatedError, match="run `migration-consumer migrate` first"):
        await _check(database)
    await database.close()


async def test_outdated_schema_is_rejected_with_the_missing_revisions(database: Database) -> None:
    await execute(database, "delete from migration.alembic_version where version_num = 'migration_0004'")
    with pytest.raises(SchemaOutdatedError, match="migration_0004 missing"):
        await _check(database)


async def test_revision_waits_for_long_transaction_without_blocking_others(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new column needs an exclusive lock of the table, which conflicts with an open batch."""
    add_later_revision(tmp_path, monkeypatch)
    batch = await database.data_connection()
    await batch.execute("begin")
    await batch.execute("select from migration.jobs for key share")
    with capture_logs() as logs:
        upgrading = asyncio.create_task(migrate.upgrade(database.dsn))
        await wait_until_async(lambda: _is_waiting(logs), 20, "the revision to give up its lock")
    await batch.execute("update migration.jobs set detail = null")
    await batch.execute("commit")
    await batch.close()
    await upgrading
    await _check(database)


async def _is_waiting(logs: list[EventDict]) -> bool:
    return "schema.lock_retrying" in {line["event"] for line in logs}


SET_NEWER_REVISION = (
    "update migration.alembic_version set version_num = 'migration_9999' where version_num like 'migration%'"
)


async def test_newer_schema_is_accepted(database: Database) -> None:
    await execute(database, SET_NEWER_REVISION)
    await _check(database)


async def test_migrating_newer_schema_changes_nothing(database: Database) -> None:
    await execute(database, SET_NEWER_REVISION)
    before = await fetch(database, "select version_num from migration.alembic_version order by 1")
    await migrate.upgrade(database.dsn)
    assert await fetch(database, "select version_num from migration.alembic_version order by 1") == before


NOT_UPGRADABLE = (
    r"the database «{name}» has the schema of version 0\.1, which version 0\.2 does not upgrade: "
    r"set DATABASE_URL to a new database, or .* drop the schemas `migration` and `directory`"
)


async def _make_0_1_schema(database: Database, revisions: list[str]) -> str:
    """Create the revisions of version 0.1 in a database; returns a pattern of the error message."""
    await execute(database, "create schema if not exists migration")
    await execute(database, "create table migration.revisions (version_num varchar(32) primary key)")
    await execute(database, "insert into migration.revisions select unnest($1::text[])", revisions)
    [(name,)] = await fetch(database, "select current_database()")
    return NOT_UPGRADABLE.format(name=name)


@pytest.mark.parametrize(
    "revisions", [["service_0010", "chats_0001"], ["service_0001"], ["chats_0001", "service_0008"]]
)
async def test_schema_of_version_0_1_is_rejected_and_unchanged(
    empty_database_url: str, revisions: list[str]
) -> None:
    database = await Database.open(empty_database_url)
    refused = await _make_0_1_schema(database, revisions)
    with pytest.raises(SchemaNotUpgradableError, match=refused):
        await migrate.upgrade(empty_database_url)
    with pytest.raises(SchemaNotUpgradableError, match=refused):
        await _check(database)
    tables = (
        "select schemaname || '.' || tablename from pg_tables where schemaname in ('migration', 'directory')"
    )
    assert await fetch(database, tables) == [("migration.revisions",)]
    await database.close()


async def test_revisions_of_version_0_1_beside_current_schema_are_rejected(database: Database) -> None:
    refused = await _make_0_1_schema(database, ["service_0010"])
    with pytest.raises(SchemaNotUpgradableError, match=refused):
        await _check(database)


def test_revision_ids_differ_from_those_of_version_0_1() -> None:
    assert not {name for name in schema_version.known_revisions() if name.startswith(("service_", "chats_"))}


async def test_migrating_unreachable_server_is_an_outage() -> None:
    with pytest.raises(DatabaseUnavailableError):
        await migrate.upgrade("postgresql://user@127.0.0.1:1/nothing")


async def test_migrating_unknown_database_is_an_error(database: Database) -> None:
    address = database.dsn.rpartition("/")[0] + "/no_such_database"
    with pytest.raises(QueryError):
        await migrate.upgrade(address)


OPTIONS = "application_name=x&connect_timeout=7&sslmode=prefer&keepalives=1&search_path=public"


@pytest.mark.parametrize("options", [OPTIONS, "target_session_attrs=read-write"])
async def test_dsn_with_options_is_accepted(empty_database_url: str, options: str) -> None:
    await migrate.upgrade(f"{empty_database_url}?{options}")
    database = await Database.open(f"{empty_database_url}?{options}")
    await _check(database)
    await database.close()


async def test_dsn_with_several_hosts_is_accepted(empty_database_url: str) -> None:
    parts = urlsplit(empty_database_url)
    login, at, host = parts.netloc.rpartition("@")
    await migrate.upgrade(parts._replace(netloc=f"{login}{at}127.0.0.1:1,{host}").geturl())
    database = await Database.open(empty_database_url)
    await _check(database)
    await database.close()


async def test_missing_privilege_is_named(empty_database_url: str) -> None:
    with pytest.raises(PermissionDeniedError, match=r"permission denied for database .* have it granted"):
        await migrate.upgrade(f"{empty_database_url}?role=pg_read_all_data")


def test_known_revisions_equal_those_of_alembic() -> None:
    scripts = ScriptDirectory.from_config(migrate._alembic_config())
    assert schema_version.head_revisions() == set(scripts.get_heads())
    assert schema_version.known_revisions() == {script.revision for script in scripts.walk_revisions()}


def test_service_does_not_import_alembic() -> None:
    code = "import sys, consumer.__main__; print({'alembic', 'sqlalchemy'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
