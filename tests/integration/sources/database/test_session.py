"""How the session looks from the other side: what it says of itself, and what it keeps to itself."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from consumer.errors import MigrationError
from consumer.sources.database.address import parse
from consumer.sources.database.check import check
from consumer.sources.database.connect import open_session
from tests.integration.sources.database import wire
from tests.integration.sources.database.origin import moved, orders, read, with_options


def setting(dsn: str, name: str) -> Any:
    """A setting as the session has it."""

    async def work() -> Any:
        session = await open_session(parse(dsn))
        try:
            return (await session.row("select current_setting($1) as found", name))["found"]
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
def test_the_session_is_bounded(dsn: str, name: str, found: str) -> None:
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
def test_what_the_address_says_wins(dsn: str, name: str, given: str, found: str) -> None:
    assert setting(with_options(dsn, **{name: given}), name) == found


@pytest.mark.parametrize(("timeout", "limit"), [("7s", 17.0), ("0", 3_600.0)])
def test_we_wait_a_little_longer_than_the_server(dsn: str, timeout: str, limit: float) -> None:
    async def work() -> float:
        session = await open_session(parse(with_options(dsn, statement_timeout=timeout)))
        await session.close()
        return session._limit

    assert asyncio.run(work()) == limit


def heard(hearing: wire.Hearing, login: str, options: str = "") -> None:
    """Let a source connect to a server that listens to what it says."""
    with wire.serving(hearing.talk) as port, pytest.raises(MigrationError) as caught:
        read(orders(f"postgresql://{login}@127.0.0.1:{port}/d{options}"))
    assert caught.value.code == "access_denied"


@pytest.fixture
def own_login(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment in which the service reaches its own Postgres."""
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


@pytest.mark.usefixtures("own_login")
def test_our_own_password_is_never_sent_to_others() -> None:
    hearing = wire.Hearing()
    heard(hearing, "u")
    assert hearing.password == b""
    assert hearing.parameters["user"] == "u"
    assert hearing.parameters["database"] == "d"


def test_what_the_address_holds_is_all_that_counts(dsn: str, own_login: None) -> None:
    assert check(dsn, "old").startswith("connection «old»: PostgreSQL ")


@pytest.mark.usefixtures("own_login")
@pytest.mark.parametrize(
    "dsn", ["postgresql://u:p@/d", "postgresql://127.0.0.1/d", "postgresql://u:p@127.0.0.1"]
)
def test_what_the_address_lacks_is_not_taken_from_our_environment(dsn: str) -> None:
    with pytest.raises(MigrationError) as caught:
        read(orders(dsn))
    assert caught.value.code == "wrong_connection"


def test_the_password_of_the_address_is_sent_as_it_was_meant() -> None:
    hearing = wire.Hearing()
    heard(hearing, "u:p%40%3A%2F%25")
    assert hearing.password == b"p@:/%"


def test_the_session_begins_with_nothing_that_a_pooler_refuses() -> None:
    hearing = wire.Hearing()
    heard(hearing, "u:p", "?statement_timeout=5s&lock_timeout=1s&work_mem=1MB&keepalives=1")
    assert set(hearing.parameters) - {"", "\x03"} == {
        "user",
        "database",
        "application_name",
        "client_encoding",
    }


def test_the_doctor_is_told_that_all_is_well(dsn: str) -> None:
    sentence = check(dsn, "old")
    assert sentence.startswith("connection «old»: PostgreSQL ")
    assert sentence.endswith(", read only")
    assert "127.0.0.1" not in sentence


def test_the_doctor_is_told_what_a_job_would_fail_with(dsn: str) -> None:
    with pytest.raises(MigrationError, match="«old»") as caught:
        check(moved(dsn, password="sesame"), "old")
    assert caught.value.code == "access_denied"
    assert "sesame" not in caught.value.message
