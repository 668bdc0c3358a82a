"""`migration-consumer doctor`: looks at settings and connections, and says what is wrong and what to do."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from consumer import access
from consumer.datasets import find as datasets
from consumer.datasets.base import StoredCheck
from consumer.errors import MigrationError
from consumer.http.token_file import TokenFile, TokensUnreadableError
from consumer.settings import Settings
from consumer.store import foreign_keys, revisions
from consumer.store.database import Database
from consumer.store.errors import Conflict, DatabaseUnavailable, StatementFailed, ValueRefused
from consumer.store.revisions import SchemaOutdated
from consumer.store.stored_values import read_values
from messaging.errors import MessagingError
from messaging.metadata import describe
from schemas import topics


class Mark(StrEnum):
    """How a finding is marked; only the last one is worth an exit code."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


SHOWN_IDS = 20
"""Ids of wrongly stored rows that a sentence names."""
Finding = tuple[Mark, str]
"""How something is, and the sentence about it."""
Check = Callable[[Settings], AsyncIterator[Finding]]

FORESEEN = (
    MessagingError,
    SchemaOutdated,
    DatabaseUnavailable,
    StatementFailed,
    Conflict,
    ValueRefused,
)
"""What ends a check with a sentence of its own."""


async def examine(settings: Settings) -> int:
    """Print a line for each thing looked at, as soon as it is known; 1 when any of them fails, else 0."""
    checks: dict[str, Check] = {
        "inbox": _inbox,
        "Kafka": _kafka,
        "Postgres": _postgres,
        "connections": _connections,
        "credentials": _credentials,
        "HTTP": _http,
    }
    code = 0
    for what, check in checks.items():
        async for mark, sentence in _guarded(what, check(settings)):
            print(f"{mark:<4}", sentence, flush=True)
            code |= mark is Mark.FAIL
    return code


async def _guarded(what: str, findings: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """A check that breaks off costs neither what it has found nor the checks behind it."""
    try:
        async for finding in findings:
            yield finding
    except FORESEEN as error:
        yield Mark.FAIL, f"{what}: {error}"
    except Exception as error:  # noqa: BLE001 – a defect here hides nothing that others find
        yield Mark.FAIL, f"{what}: this check broke off ({type(error).__name__}); report it"


async def _inbox(settings: Settings) -> AsyncIterator[Finding]:
    inbox = settings.migration_inbox.absolute()
    if not inbox.is_dir():
        yield Mark.FAIL, f"inbox {inbox}: no such folder; make it, or set MIGRATION_INBOX"
    elif not os.access(inbox, os.R_OK | os.X_OK):
        yield Mark.FAIL, f"inbox {inbox}: not readable by this user; give it the right to read"
    else:
        yield Mark.OK, f"inbox {inbox}: readable"


async def _kafka(settings: Settings) -> AsyncIterator[Finding]:
    names = [topic.name for topic in topics.ALL]
    there = (await describe(settings.kafka(), names)).topics
    yield Mark.OK, f"Kafka {settings.kafka_bootstrap_servers}: {len(there)} of {len(names)} topics are there"
    if missing := [name for name in names if name not in there]:
        yield Mark.NOTE, f"Kafka: the service makes {', '.join(missing)} when it starts, where it may"


async def _postgres(settings: Settings) -> AsyncIterator[Finding]:
    try:
        database = await Database.open(settings.database_url.get_secret_value())
    except DatabaseUnavailable as error:
        yield Mark.FAIL, f"Postgres: {error}; check DATABASE_URL"
        return
    try:
        async with database.transaction() as connection:
            await revisions.check(connection)
    finally:
        await database.close()
    yield Mark.OK, "Postgres: the schema is up to date"
    async for key, count in foreign_keys.count_orphans(database.dsn):
        yield (Mark.FAIL if count else Mark.OK), f"Postgres: {count} rows of {key} without their parent"
    for name in datasets.names():
        for check in datasets.find(name).stored_checks:
            yield await _stored(database.dsn, check, f"docs/{name}.md")


async def _stored(dsn: str, check: StoredCheck, page: str) -> Finding:
    """Ids and no values, which may be personal."""
    ids = [id_ for id_, value in await read_values(dsn, check.query) if not check.is_kept(value)]
    if not ids:
        return Mark.OK, f"Postgres: 0 {check.what}"
    shown = ", ".join(map(str, ids[:SHOWN_IDS])) + (", …" if len(ids) > SHOWN_IDS else "")
    return Mark.NOTE, f"Postgres: {len(ids)} {check.what} (id {shown}); {page} says how to remove them"


def _connections(settings: Settings) -> AsyncIterator[Finding]:
    """Every database that can be named in a request."""

    def look(name: str) -> str:
        from consumer.sources.database.check import check

        return check(access.dsn(settings, name), name)

    return _each("connection", settings.migration_connections, look)


def _credentials(settings: Settings) -> AsyncIterator[Finding]:
    """Every service account that can be named in a request."""

    def look(name: str) -> str:
        from consumer.sources.google_sheets.check import check

        return check(access.account(settings, name), settings.migration_google_api_url, name)

    return _each("credentials", settings.migration_google_credentials, look)


async def _http(settings: Settings) -> AsyncIterator[Finding]:
    """Whether `run` would listen, and for whom."""
    if problem := settings.exposure_problem():
        yield Mark.FAIL, f"HTTP: {problem}"
    path = settings.migration_http_tokens_file
    where = f"{settings.migration_http_host} port {settings.migration_http_port}"
    if path is None:
        yield Mark.NOTE, f"HTTP on {where}: no token is asked for; whoever reaches it may do everything"
        return
    try:
        names = sorted(token.name for token in TokenFile.open(path).current().known)
    except TokensUnreadableError as error:
        yield Mark.FAIL, f"HTTP: {error}"
    else:
        yield Mark.OK, f"HTTP on {where}: tokens of {', '.join(names)}"


async def _each(what: str, names: Iterable[str], look: Callable[[str], str]) -> AsyncIterator[Finding]:
    """What is found of each name, all asked at once: one that does not answer costs its own wait."""

    def found(name: str) -> Finding:
        try:
            return Mark.OK, look(name)
        except MigrationError as error:
            return Mark.FAIL, f"{what} «{name}»: {error.message} ({error.code})"
        except Exception as error:  # noqa: BLE001 – the other names are looked at all the same
            return Mark.FAIL, f"{what} «{name}»: this check broke off ({type(error).__name__}); report it"

    ordered = sorted(names)
    # Threads of our own: those of the loop would be waited for after Ctrl-C.
    threads = ThreadPoolExecutor(max_workers=len(ordered) or 1)
    try:
        loop = asyncio.get_running_loop()
        for looking in [loop.run_in_executor(threads, found, name) for name in ordered]:
            yield await looking
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
