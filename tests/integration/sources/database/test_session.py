"""The session as the server sees it: settings, startup parameters, login."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from consumer.errors import MigrationError
from consumer.sources.database.check import check_connection
from consumer.sources.database.connect import open_session
from consumer.sources.database.dsn import parse_dsn
from tests.integration.sources.database import fake_postgres
from tests.integration.sources.database.source_database import (
    dsn_with,
    dsn_with_options,
    make_source_config,
    read_chunks,
)


def setting(dsn: str, name: str) -> Any:
    """The value of a setting in the session."""

    async def work() -> Any:
        session = await open_session(parse_dsn(dsn))
        try:
            return (await session.fetch_one("select current_setting($1) as found", name))["found"]
        finally:
            await session.close()

    return asyncio.run(work())


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("transaction_isolation", "repeatable read"),
        ("transaction_read_only", "on"),
        ("application_name", "chat-migration source"),
        ("statement_timeout", "2min"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "15min"),
        ("tcp_keepalives_idle", "15"),
        ("tcp_keepalives_interval", "5"),
        ("tcp_keepalives_count", "3"),
    ],
)
def test_session_has_timeouts(dsn: str, name: str, found: str) -> None:
    assert setting(dsn, name) == found


@pytest.mark.parametrize(
    ("name", "given", "found"),
    [
        ("statement_timeout", "7000", "7s"),
        ("lock_timeout", "1min", "1min"),
        ("work_mem", "9MB", "9MB"),
        ("application_name", "theirs", "theirs"),
    ],
)
def test_dsn_options_override_defaults(dsn: str, name: str, given: str, found: str) -> None:
    assert setting(dsn_with_options(dsn, **{name: given}), name) == found


@pytest.mark.parametrize(("timeout", "limit"), [("7s", 17.0), ("0", 3_600.0)])
def test_client_timeout_exceeds_statement_timeout(dsn: str, timeout: str, limit: float) -> None:
    async def work() -> float:
        session = await open_session(parse_dsn(dsn_with_options(dsn, statement_timeout=timeout)))
        await session.close()
        return session._statement_timeout

    assert asyncio.run(work()) == limit


def connect_and_capture(hearing: fake_postgres.PasswordServer, login: str, options: str = "") -> None:
    """Connect a source to a server that records startup parameters."""
    with fake_postgres.serve(hearing.handle) as port, pytest.raises(MigrationError) as caught:
        read_chunks(make_source_config(f"postgresql://{login}@127.0.0.1:{port}/d{options}"))
    assert caught.value.code == "access_denied"


@pytest.fixture
def own_postgres_login_env(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """PG… variables of the service's own Postgres."""
    passwords = tmp_path / ".pgpass"
    passwords.write_text("*:*:*:*:our-own-from-a-file\n")
    passwords.chmod(0o600)
    services = tmp_path / ".pg_service.conf"
    services.write_text("[ours]\npassword=our-own-from-a-service\nuser=ours\n")
    for name, text in {
        "HOME": str(tmp_path),
        "PGPASSWORD": "our-own",
        "PGPASSFILE": str(passwords),
        "PGSERVICEFILE": str(services),
        "PGSERVICE": "ours",
        "PGUSER": "ours",
        "PGDATABASE": "ours",
        "PGHOST": "ours.invalid",
        "PGPORT": "1",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/no/such",
        "PGSSLCERT": "/no/such",
        "PGTARGETSESSIONATTRS": "standby",
    }.items():
        monkeypatch.setenv(name, text)


@pytest.mark.usefixtures("own_postgres_login_env")
def test_own_password_is_never_sent() -> None:
    hearing = fake_postgres.PasswordServer()
    connect_and_capture(hearing, "u")
    assert hearing.password == b""
    assert hearing.parameters["user"] == "u"
    assert hearing.parameters["database"] == "d"


def test_login_is_from_the_dsn_only(dsn: str, own_postgres_login_env: None) -> None:
    assert check_connection(dsn, "old").startswith("connection «old»: PostgreSQL ")


@pytest.mark.usefixtures("own_postgres_login_env")
@pytest.mark.parametrize(
    "dsn", ["postgresql://u:p@/d", "postgresql://127.0.0.1/d", "postgresql://u:p@127.0.0.1"]
)
def test_pg_variables_are_ignored(dsn: str) -> None:
    with pytest.raises(MigrationError) as caught:
        read_chunks(make_source_config(dsn))
    assert caught.value.code == "wrong_connection"


def test_password_is_percent_decoded() -> None:
    hearing = fake_postgres.PasswordServer()
    connect_and_capture(hearing, "u:p%40%3A%2F%25")
    assert hearing.password == b"p@:/%"


def test_startup_has_no_parameters_that_poolers_reject() -> None:
    hearing = fake_postgres.PasswordServer()
    connect_and_capture(hearing, "u:p", "?statement_timeout=5s&lock_timeout=1s&work_mem=1MB&keepalives=1")
    assert set(hearing.parameters) - {"", "\x03"} == {
        "user",
        "database",
        "application_name",
        "client_encoding",
    }


def test_check_connection_succeeds(dsn: str) -> None:
    sentence = check_connection(dsn, "old")
    assert sentence.startswith("connection «old»: PostgreSQL ")
    assert sentence.endswith(", read only")
    assert "127.0.0.1" not in sentence


def test_check_connection_raises_errors_of_a_job(dsn: str) -> None:
    with pytest.raises(MigrationError, match="«old»") as caught:
        check_connection(dsn_with(dsn, password="sesame"), "old")
    assert caught.value.code == "access_denied"
    assert "sesame" not in caught.value.message
