"""What passes is tried again: the service is told so within a known time, and nothing is left behind."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from consumer.errors import MigrationError, TransientError
from consumer.sources.database import connect
from tests.integration.sources.database import wire
from tests.integration.sources.database.origin import (
    add,
    execute,
    ids,
    moved,
    opened,
    orders,
    read,
    value,
    with_options,
)
from tests.support.wait import until

APPLICATION = "chat-migration source"
SESSIONS = f"from pg_stat_activity where application_name = '{APPLICATION}' and datname = current_database()"


@contextmanager
def unavailable(within: float = 5) -> Iterator[None]:
    """The block ends with a passing error, in time."""
    began = time.monotonic()
    with pytest.raises(MigrationError) as caught:
        yield
    assert isinstance(caught.value, TransientError)
    assert caught.value.code == "source_unavailable"
    assert time.monotonic() - began < within


def test_a_server_that_is_not_there(dsn: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with unavailable():
        read(orders(moved(dsn, port=port)))


@pytest.mark.parametrize("state", ["57P03", "53300", "57P01", "08006"])
def test_a_server_that_lets_nobody_in_just_now(state: str) -> None:
    with wire.serving(wire.refusing(state)) as port, unavailable():
        read(orders(f"postgresql://u:p@127.0.0.1:{port}/d"))


def test_too_many_connections_of_the_user(dsn: str, guest: str) -> None:
    execute(dsn, f"alter role {guest.split('//')[1].split(':')[0]} connection limit 0")
    with unavailable():
        read(orders(guest))


def test_a_server_that_hangs_up() -> None:
    with wire.serving(wire.cut) as port, unavailable():
        read(orders(f"postgresql://u:p@127.0.0.1:{port}/d"))


@pytest.mark.parametrize("mode", ["disable", "prefer", "require"])
def test_a_server_that_accepts_and_says_nothing(mode: str) -> None:
    with wire.serving(wire.silent) as port, unavailable(within=4):
        read(orders(f"postgresql://u:p@127.0.0.1:{port}/d?connect_timeout=1&sslmode={mode}"))


def test_a_server_that_falls_silent_in_the_middle(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connect, "GRACE_SECONDS", 1.0)
    add(dsn, range(20))
    relay = wire.Relay(dsn)
    with wire.serving(relay.talk) as port:
        address = with_options(moved(dsn, port=port), statement_timeout="2s")
        with opened(orders(address)) as (source, _):
            chunks = source.chunks()
            next(chunks)
            relay.frozen.set()
            with unavailable(within=15):
                next(chunks)
            began = time.monotonic()
            source.close()
            assert time.monotonic() - began < connect.CLOSE_SECONDS + 5


def test_closing_is_bounded_where_the_server_fell_silent(dsn: str) -> None:
    add(dsn, range(20))
    relay = wire.Relay(dsn)
    with wire.serving(relay.talk) as port, opened(orders(moved(dsn, port=port))) as (source, _):
        relay.frozen.set()
        began = time.monotonic()
        source.close()
        assert time.monotonic() - began < connect.CLOSE_SECONDS + 5


def test_closing_does_not_wait_for_a_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def wait(*_: object, **__: object) -> Iterator[object]:
        answered.wait(20)
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    try:
        with unavailable(within=4):
            read(orders("postgresql://u:p@slow.invalid/d?connect_timeout=1"))
    finally:
        answered.set()


def test_a_backend_that_is_ended_in_the_middle(dsn: str) -> None:
    add(dsn, range(20))
    with opened(orders(dsn)) as (source, before):
        chunks = source.chunks()
        found = [next(chunks)]
        assert value(dsn, f"select pg_terminate_backend(pid, 5000) {SESSIONS}")
        with unavailable():
            found.extend(chunks)
    assert ids(found) == [0, 1, 2, 3]
    with opened(orders(dsn)) as (_, after):
        assert after == before


def test_a_query_that_is_cancelled_over_there(dsn: str) -> None:
    add(dsn, range(20))
    slow(dsn)
    with opened(orders(dsn), "slow") as (source, _), unavailable():
        cancelled = threading.Thread(target=cancel, args=(dsn,))
        cancelled.start()
        try:
            list(source.chunks())
        finally:
            cancelled.join()


def cancel(dsn: str) -> None:
    """Cancel the page that is being read, as soon as it is."""
    until(
        lambda: value(dsn, f"select pg_cancel_backend(pid) {SESSIONS} and wait_event = 'PgSleep'"),
        10,
        "a page to be read",
    )


def slow(dsn: str) -> None:
    """A view that is counted at once, and takes long to hand out."""
    execute(
        dsn,
        "create function nap() returns text stable language plpgsql as "
        "$$ begin perform pg_sleep(30); return ''; end $$",
        "create view slow as select id, inn, name, url, nap() as admin_phone, source from chats",
    )


def test_a_statement_that_takes_too_long(dsn: str) -> None:
    add(dsn, [1])
    slow(dsn)
    address = with_options(dsn, statement_timeout="2s")
    with opened(orders(address), "slow") as (source, _), unavailable(within=15):
        list(source.chunks())


def test_a_table_that_stays_locked(dsn: str, holding: Callable[[str], None]) -> None:
    add(dsn, [1])
    holding("lock table chats in access exclusive mode")
    with unavailable():
        read(orders(with_options(dsn, lock_timeout="200ms")))


def test_a_session_that_is_idle_for_too_long(dsn: str) -> None:
    add(dsn, range(20))
    with opened(orders(with_options(dsn, idle_in_transaction_session_timeout="3s"))) as (source, _):
        chunks = source.chunks()
        next(chunks)
        until(lambda: value(dsn, f"select count(*) {SESSIONS}") == 0, 20, "the session to be ended")
        with unavailable():
            next(chunks)


def test_nothing_is_left_behind(dsn: str) -> None:
    add(dsn, range(20))
    with opened(orders(dsn)) as (source, _):
        next(source.chunks())
        assert value(dsn, f"select count(*) {SESSIONS}") == 1
    until(lambda: value(dsn, f"select count(*) {SESSIONS}") == 0, 10, "the session to end")
    with pytest.raises(MigrationError):
        read(orders(dsn), "nowhere")
    until(lambda: value(dsn, f"select count(*) {SESSIONS}") == 0, 10, "the session to end")
