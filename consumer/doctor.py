"""`migration-consumer doctor`: looks at settings and connections, and says what is wrong and what to do."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable

from consumer import access
from consumer.errors import MigrationError
from consumer.settings import Settings
from consumer.store import foreign_keys, revisions
from consumer.store.database import Database
from consumer.store.errors import DatabaseUnavailable, StatementFailed
from consumer.store.revisions import SchemaOutdated
from messaging.errors import MessagingError
from messaging.topics import topic_ids
from schemas import topics

Finding = tuple[bool, str]
"""Whether something is well, and the sentence about it."""


async def examine(settings: Settings) -> int:
    """Print a line for each thing looked at; 0 when all are well, else 1."""
    checks: tuple[Callable[[Settings], Awaitable[list[Finding]]], ...] = (
        _inbox,
        _kafka,
        _postgres,
        _connections,
        _credentials,
    )
    findings = [finding for check in checks for finding in await check(settings)]
    for well, sentence in findings:
        print("ok  " if well else "FAIL", sentence)
    return 0 if all(well for well, _ in findings) else 1


async def _inbox(settings: Settings) -> list[Finding]:
    inbox = settings.migration_inbox.absolute()
    if not inbox.is_dir():
        return [(False, f"inbox {inbox}: no such folder; make it, or set MIGRATION_INBOX")]
    if not os.access(inbox, os.R_OK | os.X_OK):
        return [(False, f"inbox {inbox}: not readable by this user; give it the right to read")]
    return [(True, f"inbox {inbox}: readable")]


async def _kafka(settings: Settings) -> list[Finding]:
    names = [topic.name for topic in topics.ALL]
    try:
        there = await topic_ids(settings.kafka(), names)
    except MessagingError as error:
        return [(False, f"Kafka: {error}")]
    missing = [name for name in names if name not in there]
    if missing:
        return [
            (False, f"Kafka: topics missing: {', '.join(missing)}; the service makes them when it starts")
        ]
    return [(True, f"Kafka {settings.kafka_bootstrap_servers}: all {len(names)} topics are there")]


async def _postgres(settings: Settings) -> list[Finding]:
    try:
        database = await Database.open(settings.database_url.get_secret_value())
    except (DatabaseUnavailable, StatementFailed) as error:
        return [(False, f"Postgres: {error}; check DATABASE_URL")]
    try:
        return await _schema(database)
    finally:
        await database.close()


async def _schema(database: Database) -> list[Finding]:
    try:
        async with database.transaction() as connection:
            await revisions.check(connection)
    except SchemaOutdated as error:
        return [(False, f"Postgres: {error}")]
    return [(True, "Postgres: the schema is up to date"), *await _references(database.dsn)]


async def _references(dsn: str) -> list[Finding]:
    return [
        (
            count == 0,
            f"Postgres: {count} rows of {key.table}.{key.column} → {key.parent} without their parent",
        )
        for key, count in (await foreign_keys.count_orphans(dsn)).items()
    ]


async def _connections(settings: Settings) -> list[Finding]:
    """Every database that can be named in a request."""

    def look(name: str) -> str:
        from consumer.sources.database.check import check

        return check(access.dsn(settings, name), name)

    return await _each("connection", settings.migration_connections, look)


async def _credentials(settings: Settings) -> list[Finding]:
    """Every service account that can be named in a request."""

    def look(name: str) -> str:
        from consumer.sources.google_sheets.check import check

        return check(access.account(settings, name), settings.migration_google_api_url, name)

    return await _each("credentials", settings.migration_google_credentials, look)


async def _each(what: str, names: Iterable[str], look: Callable[[str], str]) -> list[Finding]:
    """What is found of each name, all asked at once: one that does not answer costs its own wait."""

    async def found(name: str) -> Finding:
        try:
            return True, await asyncio.to_thread(look, name)
        except MigrationError as error:
            return False, f"{what} «{name}»: {error.message} ({error.code})"

    return list(await asyncio.gather(*map(found, sorted(names))))
