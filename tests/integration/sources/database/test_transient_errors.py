"""Transient errors are reported within a known time, and no session is left."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from consumer.errors import MigrationError, TransientError
from consumer.sources.database import connect
from tests.integration.sources.database import fake_postgres
from tests.integration.sources.database.source_database import (
    dsn_with,
    dsn_with_options,
    execute,
    fetchval,
    insert_chats,
    make_source_config,
    open_source,
    positions,
    read_chunks,
)
from tests.support.wait import wait_until

APPLICATION_NAME = "chat-migration source"
SESSIONS_SQL = (
    f"from pg_stat_activity where application_name = '{APPLICATION_NAME}' and datname = current_database()"
)


@contextmanager
def raises_unavailable(within_seconds: float = 5) -> Iterator[None]:
    """The block raises `source_unavailable` in time."""
    began = time.monotonic()
    with pytest.raises(MigrationError) as caught:
        yield
    assert isinstance(caught.value, TransientError)
    assert caught.value.code == "source_unavailable"
    assert time.monotonic() - began < within_seconds


def test_server_is_down(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with raises_unavailable():
        read_chunks(make_source_config(dsn_with(dsn, port=port)))


@pytest.mark.parametrize("state", ["57P03", "53300", "57P01", "08006"])
def test_server_rejects_logins_temporarily(state: str) -> None:
    with fake_postgres.serve(fake_postgres.reject_logins(state)) as port, raises_unavailable():
        read_chunks(make_source_config(f"postgresql://u:p@127.0.0.1:{port}/d"))


def test_too_many_connections(dsn: str, unprivileged_dsn: str) -> None:
    execute(dsn, f"alter role {unprivileged_dsn.split('//')[1].split(':')[0]} connection limit 0")
    with raises_unavailable():
        read_chunks(make_source_config(unprivileged_dsn))


def test_server_closes_the_connection() -> None:
    with fake_postgres.serve(fake_postgres.shut_down) as port, raises_unavailable():
        read_chunks(make_source_config(f"postgresql://u:p@127.0.0.1:{port}/d"))


@pytest.mark.parametrize("mode", ["disable", "prefer", "require"])
def test_server_accepts_and_never_answers(mode: str) -> None:
    with fake_postgres.serve(fake_postgres.never_answer) as port, raises_unavailable(within_seconds=4):
        read_chunks(
            make_source_config(f"postgresql://u:p@127.0.0.1:{port}/d?connect_timeout=1&sslmode={mode}")
        )


def test_server_freezes_while_reading(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "CLIENT_TIMEOUT_MARGIN", 1.0)
    insert_chats(dsn, range(20))
    relay = fake_postgres.FreezableRelay(dsn)
    with fake_postgres.serve(relay.handle) as port:
        address = dsn_with_options(dsn_with(dsn, port=port), statement_timeout="2s")
        with open_source(make_source_config(address)) as (source, _):
            chunks = source.chunks()
            next(chunks)
            relay.frozen.set()
            with raises_unavailable(within_seconds=15):
                next(chunks)
            began = time.monotonic()
            source.close()
            assert time.monotonic() - began < connect.CLOSE_TIMEOUT + 5


def test_close_is_bounded_for_a_frozen_server(dsn: str) -> None:
    insert_chats(dsn, range(20))
    relay = fake_postgres.FreezableRelay(dsn)
    with (
        fake_postgres.serve(relay.handle) as port,
        open_source(make_source_config(dsn_with(dsn, port=port))) as (source, _),
    ):
        relay.frozen.set()
        began = time.monotonic()
        source.close()
        assert time.monotonic() - began < connect.CLOSE_TIMEOUT + 5


def test_close_does_not_wait_for_a_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def wait(*_: object, **__: object) -> Iterator[object]:
        answered.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    try:
        with raises_unavailable(within_seconds=4):
            read_chunks(make_source_config("postgresql://u:p@slow.invalid/d?connect_timeout=1"))
    finally:
        answered.set()


def test_backend_is_terminated_while_reading(dsn: str) -> None:
    insert_chats(dsn, range(20))
    with open_source(make_source_config(dsn)) as (source, before):
        chunks = source.chunks()
        found = [next(chunks)]
        assert fetchval(dsn, f"select pg_terminate_backend(pid, 5000) {SESSIONS_SQL}")
        with raises_unavailable():
            found.extend(chunks)
    assert positions(found) == [0, 1, 2, 3]
    with open_source(make_source_config(dsn)) as (_, after):
        assert after == before


def test_query_is_cancelled_on_the_server(dsn: str) -> None:
    insert_chats(dsn, range(20))
    make_slow_view(dsn)
    with open_source(make_source_config(dsn), "slow") as (source, _), raises_unavailable():
        cancelled = threading.Thread(target=cancel_page, args=(dsn,))
        cancelled.start()
        try:
            list(source.chunks())
        finally:
            cancelled.join()


def cancel_page(dsn: str) -> None:
    """Cancel the query of a page as soon as it runs."""
    wait_until(
        lambda: fetchval(dsn, f"select pg_cancel_backend(pid) {SESSIONS_SQL} and wait_event = 'PgSleep'"),
        10,
        "a page to be read",
    )


def make_slow_view(dsn: str) -> None:
    """A view that is fast to count and slow to read."""
    execute(
        dsn,
        "create function nap() returns text stable language plpgsql as "
        "$$ begin perform pg_sleep(30); return ''; end $$",
        "create view slow as select id, inn, name, url, nap() as admin_phone, source from chats",
    )


def test_statement_timeout(dsn: str) -> None:
    insert_chats(dsn, [1])
    make_slow_view(dsn)
    address = dsn_with_options(dsn, statement_timeout="2s")
    with (
        open_source(make_source_config(address), "slow") as (source, _),
        raises_unavailable(within_seconds=15),
    ):
        list(source.chunks())


def test_lock_timeout(dsn: str, open_transaction: Callable[[str], None]) -> None:
    insert_chats(dsn, [1])
    open_transaction("lock table chats in access exclusive mode")
    with raises_unavailable():
        read_chunks(make_source_config(dsn_with_options(dsn, lock_timeout="200ms")))


def test_idle_in_transaction_timeout(dsn: str) -> None:
    insert_chats(dsn, range(20))
    with open_source(make_source_config(dsn_with_options(dsn, idle_in_transaction_session_timeout="3s"))) as (
        source,
        _,
    ):
        chunks = source.chunks()
        next(chunks)
        wait_until(
            lambda: fetchval(dsn, f"select count(*) {SESSIONS_SQL}") == 0, 20, "the session to be ended"
        )
        with raises_unavailable():
            next(chunks)


def test_no_session_is_left_after_an_error(dsn: str) -> None:
    insert_chats(dsn, range(20))
    with open_source(make_source_config(dsn)) as (source, _):
        next(source.chunks())
        assert fetchval(dsn, f"select count(*) {SESSIONS_SQL}") == 1
    wait_until(lambda: fetchval(dsn, f"select count(*) {SESSIONS_SQL}") == 0, 10, "the session to end")
    with pytest.raises(MigrationError):
        read_chunks(make_source_config(dsn), "nowhere")
    wait_until(lambda: fetchval(dsn, f"select count(*) {SESSIONS_SQL}") == 0, 10, "the session to end")
