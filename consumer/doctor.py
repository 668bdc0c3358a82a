"""`migration-consumer doctor`: looks at settings and connections, and says what is wrong and what to do."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum

from consumer import credentials
from consumer.datasets import registry as datasets
from consumer.datasets.base import StoredValueCheck
from consumer.errors import MigrationError
from consumer.http.auth.token_file import TokenFile, TokensUnreadableError
from consumer.settings import Settings
from consumer.store import foreign_keys, schema_version
from consumer.store.database import Database
from consumer.store.errors import (
    DatabaseUnavailableError,
    DataRejectedError,
    QueryError,
    TransactionConflictError,
)
from consumer.store.schema_version import SchemaOutdatedError
from consumer.store.stored_values import read_values
from messaging.errors import MessagingError
from messaging.metadata import describe_topics
from schemas import topics


class Severity(StrEnum):
    """How a finding is marked; only the last one is worth an exit code."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


MAX_SHOWN_IDS = 20
"""Ids of wrongly stored rows that a sentence names."""
Finding = tuple[Severity, str]
"""How something is, and the sentence about it."""
Check = Callable[[Settings], AsyncIterator[Finding]]

EXPECTED_ERRORS = (
    MessagingError,
    SchemaOutdatedError,
    DatabaseUnavailableError,
    QueryError,
    TransactionConflictError,
    DataRejectedError,
)
"""What ends a check with a sentence of its own."""


async def run_checks(settings: Settings) -> int:
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
        async for mark, sentence in _isolate_errors(what, check(settings)):
            print(f"{mark:<4}", sentence, flush=True)
            code |= mark is Severity.FAIL
    return code


async def _isolate_errors(name: str, findings: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """A check that breaks off costs neither what it has found nor the checks behind it."""
    try:
        async for finding in findings:
            yield finding
    except EXPECTED_ERRORS as error:
        yield Severity.FAIL, f"{name}: {error}"
    except Exception as error:  # noqa: BLE001 – a defect here hides nothing that others find
        yield Severity.FAIL, f"{name}: this check broke off ({type(error).__name__}); report it"


async def _inbox(settings: Settings) -> AsyncIterator[Finding]:
    inbox = settings.migration_inbox.absolute()
    if not inbox.is_dir():
        yield Severity.FAIL, f"inbox {inbox}: no such folder; make it, or set MIGRATION_INBOX"
    elif not os.access(inbox, os.R_OK | os.X_OK):
        yield Severity.FAIL, f"inbox {inbox}: not readable by this user; give it the right to read"
    else:
        yield Severity.OK, f"inbox {inbox}: readable"


async def _kafka(settings: Settings) -> AsyncIterator[Finding]:
    names = [topic.name for topic in topics.ALL_TOPICS]
    there = (await describe_topics(settings.kafka(), names)).topics
    yield (
        Severity.OK,
        f"Kafka {settings.kafka_bootstrap_servers}: {len(there)} of {len(names)} topics are there",
    )
    if missing := [name for name in names if name not in there]:
        yield Severity.NOTE, f"Kafka: the service makes {', '.join(missing)} when it starts, where it may"


async def _postgres(settings: Settings) -> AsyncIterator[Finding]:
    try:
        database = await Database.open(settings.database_url.get_secret_value())
    except DatabaseUnavailableError as error:
        yield Severity.FAIL, f"Postgres: {error}; check DATABASE_URL"
        return
    try:
        async with database.transaction() as connection:
            await schema_version.require_current(connection)
    finally:
        await database.close()
    yield Severity.OK, "Postgres: the schema is up to date"
    async for key, count in foreign_keys.count_all_orphans(database.dsn):
        yield (
            (Severity.FAIL if count else Severity.OK),
            f"Postgres: {count} rows of {key} without their parent",
        )
    for name in datasets.names():
        for check in datasets.find(name).stored_value_checks:
            yield await _stored_values(database.dsn, check, f"docs/{name}.md")


async def _stored_values(dsn: str, check: StoredValueCheck, page: str) -> Finding:
    """Ids and no values, which may be personal."""
    ids = [id_ for id_, value in await read_values(dsn, check.query) if not check.is_still_valid(value)]
    if not ids:
        return Severity.OK, f"Postgres: 0 {check.description}"
    shown = ", ".join(map(str, ids[:MAX_SHOWN_IDS])) + (", …" if len(ids) > MAX_SHOWN_IDS else "")
    return (
        Severity.NOTE,
        f"Postgres: {len(ids)} {check.description} (id {shown}); {page} says how to remove them",
    )


def _connections(settings: Settings) -> AsyncIterator[Finding]:
    """Every database that can be named in a request."""

    def look(name: str) -> str:
        from consumer.sources.database.check import check_connection

        return check_connection(credentials.connection_dsn(settings, name), name)

    return _check_each("connection", settings.migration_connections, look)


def _credentials(settings: Settings) -> AsyncIterator[Finding]:
    """Every service account that can be named in a request."""

    def look(name: str) -> str:
        from consumer.sources.google_sheets.check import check_credentials

        return check_credentials(
            credentials.service_account(settings, name), settings.migration_google_api_url, name
        )

    return _check_each("credentials", settings.migration_google_credentials, look)


async def _http(settings: Settings) -> AsyncIterator[Finding]:
    """Whether `run` would listen, and for whom."""
    if problem := settings.exposure_problem():
        yield Severity.FAIL, f"HTTP: {problem}"
    path = settings.migration_http_tokens_file
    where = f"{settings.migration_http_host} port {settings.migration_http_port}"
    if path is None:
        yield Severity.NOTE, f"HTTP on {where}: no token is asked for; whoever reaches it may do everything"
        return
    try:
        names = sorted(token.name for token in TokenFile.open(path).current().known)
    except TokensUnreadableError as error:
        yield Severity.FAIL, f"HTTP: {error}"
    else:
        yield Severity.OK, f"HTTP on {where}: tokens of {', '.join(names)}"


async def _check_each(kind: str, names: Iterable[str], check: Callable[[str], str]) -> AsyncIterator[Finding]:
    """What is found of each name, all asked at once: one that does not answer costs its own wait."""

    def found(name: str) -> Finding:
        try:
            return Severity.OK, check(name)
        except MigrationError as error:
            return Severity.FAIL, f"{kind} «{name}»: {error.message} ({error.code})"
        except Exception as error:  # noqa: BLE001 – the other names are looked at all the same
            return Severity.FAIL, f"{kind} «{name}»: this check broke off ({type(error).__name__}); report it"

    ordered = sorted(names)
    # Threads of our own: those of the loop would be waited for after Ctrl-C.
    threads = ThreadPoolExecutor(max_workers=len(ordered) or 1)
    try:
        loop = asyncio.get_running_loop()
        for looking in [loop.run_in_executor(threads, found, name) for name in ordered]:
            yield await looking
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
