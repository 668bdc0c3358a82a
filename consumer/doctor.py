"""`migration-consumer doctor`: checks settings, connections and stored values; prints what to do."""

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
    OUTAGE_ERRORS,
    DatabaseUnavailableError,
    DataRejectedError,
    QueryError,
)
from consumer.store.schema_version import SchemaOutdatedError
from consumer.store.stored_values import read_values
from messaging.errors import MessagingError
from messaging.metadata import describe_topics
from schemas import topics


class Severity(StrEnum):
    """Mark of a finding; only FAIL changes the exit code."""

    OK = "ok"
    NOTE = "note"
    FAIL = "FAIL"


MAX_SHOWN_IDS = 20
"""Maximum number of ids of rows in one finding."""
Finding = tuple[Severity, str]
"""Severity and sentence."""
Check = Callable[[Settings], AsyncIterator[Finding]]

EXPECTED_ERRORS = (
    MessagingError,
    SchemaOutdatedError,
    *OUTAGE_ERRORS,
    QueryError,
    DataRejectedError,
)
"""Errors whose message is the finding of a check."""


async def run_checks(settings: Settings) -> int:
    """Print each finding as soon as it is known; returns the exit code, 1 if any is FAIL."""
    checks: dict[str, Check] = {
        "inbox": _inbox,
        "Kafka": _kafka,
        "Postgres": _postgres,
        "connections": _connections,
        "credentials": _credentials,
        "HTTP": _http,
    }
    code = 0
    for name, check in checks.items():
        async for severity, sentence in _isolate_errors(name, check(settings)):
            print(f"{severity:<4}", sentence, flush=True)
            code |= severity is Severity.FAIL
    return code


async def _isolate_errors(name: str, findings: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """Yield findings; an error of the check becomes a finding, and later checks still run."""
    try:
        async for finding in findings:
            yield finding
    except EXPECTED_ERRORS as error:
        yield Severity.FAIL, f"{name}: {error}"
    except Exception as error:  # noqa: BLE001 – a defect of one check must not hide the others
        yield Severity.FAIL, f"{name}: this check failed ({type(error).__name__}); report it"


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
    existing = (await describe_topics(settings.kafka(), names)).topics
    yield (
        Severity.OK,
        f"Kafka {settings.kafka_bootstrap_servers}: {len(existing)} of {len(names)} topics exist",
    )
    if missing := [name for name in names if name not in existing]:
        yield (
            Severity.NOTE,
            f"Kafka: the service creates {', '.join(missing)} at its start, if it has the permission",
        )


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
    """A finding with ids of rows; values may be personal data."""
    ids = [id_ for id_, value in await read_values(dsn, check.query) if not check.is_still_valid(value)]
    if not ids:
        return Severity.OK, f"Postgres: 0 {check.description}"
    shown = ", ".join(map(str, ids[:MAX_SHOWN_IDS])) + (", …" if len(ids) > MAX_SHOWN_IDS else "")
    return (
        Severity.NOTE,
        f"Postgres: {len(ids)} {check.description} (id {shown}); {page} says how to remove them",
    )


def _connections(settings: Settings) -> AsyncIterator[Finding]:
    """Findings about all databases of MIGRATION_CONNECTIONS."""

    def check(name: str) -> str:
        from consumer.sources.database.check import check_connection

        return check_connection(credentials.connection_dsn(settings, name), name)

    return _check_each("connection", settings.migration_connections, check)


def _credentials(settings: Settings) -> AsyncIterator[Finding]:
    """Findings about all service accounts of MIGRATION_GOOGLE_CREDENTIALS."""

    def check(name: str) -> str:
        from consumer.sources.google_sheets.check import check_credentials

        return check_credentials(
            credentials.service_account(settings, name), settings.migration_google_api_url, name
        )

    return _check_each("credentials", settings.migration_google_credentials, check)


async def _http(settings: Settings) -> AsyncIterator[Finding]:
    """Findings about the address, the tokens and the sessions of the HTTP side."""
    if problem := settings.exposure_problem():
        yield Severity.FAIL, f"HTTP: {problem}"
    path = settings.migration_http_tokens_file
    where = f"{settings.migration_http_host} port {settings.migration_http_port}"
    if path is None:
        yield (
            Severity.NOTE,
            f"HTTP on {where}: no token is required; everybody who can connect may do everything",
        )
        return
    try:
        names = sorted(token.name for token in TokenFile.open(path).current().known)
    except TokensUnreadableError as error:
        yield Severity.FAIL, f"HTTP: {error}"
    else:
        yield Severity.OK, f"HTTP on {where}: tokens of {', '.join(names)}"
    if problem := settings.cookie_key_problem():
        yield Severity.NOTE, f"HTTP: {problem}"


async def _check_each(kind: str, names: Iterable[str], check: Callable[[str], str]) -> AsyncIterator[Finding]:
    """Findings about `names`, checked in parallel, so that their timeouts do not add up."""

    def finding(name: str) -> Finding:
        try:
            return Severity.OK, check(name)
        except MigrationError as error:
            return Severity.FAIL, f"{kind} «{name}»: {error.message} ({error.code})"
        except Exception as error:  # noqa: BLE001 – the other names are still checked
            return Severity.FAIL, f"{kind} «{name}»: this check failed ({type(error).__name__}); report it"

    ordered = sorted(names)
    # Not the threads of the event loop, for which Ctrl-C would wait.
    threads = ThreadPoolExecutor(max_workers=len(ordered) or 1)
    try:
        loop = asyncio.get_running_loop()
        for future in [loop.run_in_executor(threads, finding, name) for name in ordered]:
            yield await future
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
