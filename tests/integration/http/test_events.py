"""Following a job by Server-Sent Events: over real sockets, before a real Postgres."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio

from consumer.http.events import stream
from consumer.http.events.event_feed import MAX_SUBSCRIBERS, POLL_INTERVAL
from consumer.http.events.subscriber import MAX_QUEUED_BYTES
from consumer.lifecycle import Fail
from consumer.runtime.health import STALL_TIMEOUT_SECONDS
from consumer.store import retention
from consumer.store.database import Database
from schemas.text import MAX_MESSAGE_CHARS
from tests.support import job_factories
from tests.support.event_replica import (
    EventReplica,
    change_job,
    change_job_many_times,
    connect_many,
    finish_attempt,
    retry_job,
)
from tests.support.job_factories import make_pending_job, make_running_job
from tests.support.sse_client import SseClient
from tests.support.tcp_gate import TcpGate
from tests.support.wait import wait_until_async

DRAIN_SECONDS = 1.0
LONG_DETAIL = "🎓" * MAX_MESSAGE_CHARS
"""8 KB."""


@pytest_asyncio.fixture
async def replica(gated_database: Database) -> EventReplica:
    return EventReplica(gated_database, heartbeat_seconds=0.3)


@pytest_asyncio.fixture
async def follower(replica: EventReplica) -> AsyncIterator[httpx.AsyncClient]:
    async with replica.running() as client:
        yield client


def events_path(name: str | int) -> str:
    return f"/migration/jobs/{quote(str(name), safe='')}/events"


async def make_failed_job(database: Database, request_id: str = "r-1") -> int:
    """A job that has failed; its last sequence."""
    job, _ = await make_running_job(database, request_id)
    return await finish_attempt(database, job, Fail("no_rows", "the source is empty"))


async def test_the_last_event_comes_first_then_what_follows_until_the_job_ends(
    database: Database, follower: httpx.AsyncClient
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as one:
        assert one.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert one.headers["cache-control"] == "no-store"
        await one.wait_for_event(2)
        await change_job(database, job.id, "waits for Google Sheets")
        await one.wait_for_event(3)
        last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
        await one.wait_for_end()
    assert one.sequences == [2, 3, 4] == list(range(2, last + 1))
    assert one.retries == ["2000"]
    assert [event.data for event in one.events] == (await job_factories.outbox_events(database, job.id))[1:]
    assert one.events[-1].data["status"] == "failed"


async def test_reconnecting_goes_on_without_a_gap_and_without_repetition(
    database: Database, follower: httpx.AsyncClient
) -> None:
    job, _ = await make_running_job(database, "r-1")
    seen: list[int] = [1]
    for _ in range(5):
        async with SseClient(follower, events_path(job.id), last_event_id=seen[-1]) as one:
            await change_job_many_times(database, job.id, 3)
            await one.wait_until(lambda one=one: len(one.events) >= 2, "some events")
        seen += one.sequences
        await change_job_many_times(database, job.id, 4)
    async with SseClient(follower, events_path(job.id), last_event_id=seen[-1]) as one:
        last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
        await one.wait_for_end()
    assert seen + one.sequences == list(range(1, last + 1))


async def test_long_history_comes_in_order(database: Database, follower: httpx.AsyncClient) -> None:
    job, _ = await make_running_job(database, "r-1")
    await change_job_many_times(database, job.id, 1_000)
    last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
    async with SseClient(follower, events_path(job.id), last_event_id=0) as one:
        await one.wait_for_end()
    assert one.sequences == list(range(1, last + 1))


async def test_after_the_terminal_event_reconnecting_is_over_until_a_retry(
    database: Database, follower: httpx.AsyncClient
) -> None:
    last = await make_failed_job(database)
    for after in (last, last + 1, 10**18):
        async with SseClient(follower, events_path("r-1"), last_event_id=after) as one:
            await one.wait_for_end()
            assert (one.status, one.body) == (204, b"")
    async with SseClient(follower, events_path("r-1"), last_event_id=last - 1) as one:
        await one.wait_for_end()
        assert one.sequences == [last]
    async with SseClient(follower, events_path("r-1")) as one:
        await one.wait_for_end()
        assert one.sequences == [last]
    await retry_job(database, "r-1")
    async with SseClient(follower, events_path("r-1"), last_event_id=last) as one:
        await one.wait_for_event(last + 1)
        assert one.events[0].data["status"] == "pending"
        assert not one.ended


async def test_terminal_event_of_an_earlier_run_does_not_end_the_stream(
    database: Database, follower: httpx.AsyncClient
) -> None:
    last = await make_failed_job(database)
    await retry_job(database, "r-1")
    async with SseClient(follower, events_path("r-1"), last_event_id=1) as one:
        await one.wait_for_event(last + 1)
        await one.wait_until(lambda: one.comments, "a heartbeat")
        assert not one.ended
    assert one.sequences == [2, last, last + 1]


async def test_id_from_beyond_the_last_event_does_not_wait_for_it(
    database: Database, follower: httpx.AsyncClient
) -> None:
    """The database was restored from a backup."""
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1"), last_event_id=900) as one:
        await change_job(database, job.id)
        await one.wait_for_event(3)


async def test_what_retention_deleted_is_left_out_and_the_last_event_comes(
    database: Database, follower: httpx.AsyncClient
) -> None:
    job, _ = await make_running_job(database, "r-1")
    await change_job_many_times(database, job.id, 5)
    await job_factories.execute(
        database, "update migration.outbox set published_at = now() - interval '9 days'"
    )

    async def breathe() -> None:
        """No pause in a test."""

    assert await retention.prune_events(database, timedelta(days=1), breathe) == 6
    for after in (None, 0, 3):
        async with SseClient(follower, events_path("r-1"), last_event_id=after) as one:
            await one.wait_for_event(7)
            assert one.sequences == [7]


@pytest.mark.parametrize("after", ["x", "", "-1", "1.5", "9" * 20, "9" * 5_000, "0x10"])
async def test_bad_last_event_id_is_a_problem(
    database: Database, follower: httpx.AsyncClient, after: str
) -> None:
    await make_pending_job(database, "r-1")
    answer = await follower.get(events_path("r-1"), headers={"last-event-id": after})
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid_parameter"
    assert answer.json()["errors"][0]["field"] == "last-event-id (header)"


async def test_unknown_job_is_a_problem(follower: httpx.AsyncClient) -> None:
    answer = await follower.get(events_path("nobody"))
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize("name", ["чаты 2026", "a/b", "50%", "a b&c"])
async def test_any_request_id_can_be_followed(
    database: Database, follower: httpx.AsyncClient, name: str
) -> None:
    await make_pending_job(database, name)
    async with SseClient(follower, events_path(name)) as one:
        await one.wait_for_event(1)
        assert one.events[0].data["request_id"] == name


async def test_a_hundred_clients_cost_one_query_an_event(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with connect_many(follower, events_path("r-1"), 100) as clients:
        for one in clients:
            await one.wait_for_event(2)
        before, changes = len(replica.queries), 20
        for number in range(changes):
            await change_job(database, job.id)
            for one in clients:
                await one.wait_for_event(3 + number)
        asked = len(replica.queries) - before
    for one in clients:
        assert one.sequences == list(range(2, 3 + changes))
    assert asked <= 4 * changes, "two for each event, and some by the clock"


async def test_too_many_clients_are_told_to_come_back(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    await make_pending_job(database, "r-1")
    async with connect_many(follower, events_path("r-1"), MAX_SUBSCRIBERS):
        answer = await follower.get(events_path("r-1"))
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["retry-after"]) > 0

    async def welcome() -> bool:
        async with SseClient(follower, events_path("r-1")) as late:
            return late.status == 200

    await wait_until_async(welcome, 5, "the places of those who left")


async def test_a_client_that_vanishes_is_forgotten_at_once(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    job = await make_pending_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as one:
        await one.wait_for_event(1)
        assert len(replica.feed._subscribers) == 1

    async def forgotten() -> bool:
        return not replica.feed._subscribers

    await wait_until_async(forgotten, 1, "the listener to be forgotten")
    before = len(replica.queries)
    await change_job(database, job.id)
    assert len(replica.queries) <= before + 1


@asynccontextmanager
async def stalled_client(port: int, path: str) -> AsyncIterator[socket.socket]:
    """A client that has asked for a stream and reads none of it, with a small buffer."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        yield client


async def read_to_end(client: socket.socket) -> list[int]:
    """Read to the end of the response; the sequences of its events."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    text = b""
    while not text.endswith(b"0\r\n\r\n"):
        piece = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1 << 20), 10)
        assert piece, "the connection was closed in the middle of the response"
        text += piece
    return [int(line[4:]) for line in text.split(b"\n") if line.startswith(b"id: ")]


async def test_a_slow_reader_costs_bounded_memory_and_misses_nothing(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    """10 MB of events: more than the sockets hold."""
    job, _ = await make_running_job(database, "r-1")
    async with stalled_client(replica.port, events_path("r-1")) as slow:
        async with SseClient(follower, events_path("r-1")) as quick:
            for _ in range(20):
                await change_job_many_times(database, job.id, 65, LONG_DETAIL)
            last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
            await quick.wait_for_end(60)
            assert quick.sequences == list(range(2, last + 1))
        [listener] = replica.feed._subscribers
        assert (listener.has_capacity, listener.last_sequence < last) == (False, True)
        assert listener._queued_bytes < MAX_QUEUED_BYTES + 20_000
        assert await read_to_end(slow) == list(range(2, last + 1))


async def test_a_client_that_reads_nothing_for_long_gives_up_its_place(
    database: Database,
    follower: httpx.AsyncClient,
    replica: EventReplica,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(stream, "SEND_TIMEOUT", 0.5)
    job, _ = await make_running_job(database, "r-1")
    async with stalled_client(replica.port, events_path("r-1")):
        await change_job_many_times(database, job.id, 1_300, LONG_DETAIL)

        async def forgotten() -> bool:
            return bool(replica.queries) and not replica.feed._subscribers

        await wait_until_async(forgotten, 30, "the place to be given up")
    assert "ASGI" not in caplog.text.replace("ASGI callable returned without completing response", "")


async def test_streams_end_with_the_drain_within_a_second(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    await make_pending_job(database, "r-1")
    async with connect_many(follower, events_path("r-1"), 20) as clients:
        for one in clients:
            await one.wait_for_event(1)
        await replica.stop()
        assert replica.seconds_to_stop < DRAIN_SECONDS
        for one in clients:
            await one.wait_for_end(1)


async def test_clients_wait_through_an_outage_of_postgres_and_miss_nothing(
    database: Database, follower: httpx.AsyncClient, tcp_gate: TcpGate
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as one:
        await one.wait_for_event(2)
        await tcp_gate.drop_all()
        before = one.comments
        await change_job_many_times(database, job.id, 5)
        await one.wait_until(lambda: one.comments > before + 3, "heartbeats during the outage")
        assert one.sequences == [2]
        assert (await follower.get(events_path("r-1"))).json()["code"] == "database_unavailable"
        await tcp_gate.open()
        await one.wait_for_event(7)
        assert one.sequences == [2, 3, 4, 5, 6, 7]


async def test_silent_postgres_does_not_make_the_feed_look_hung(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica, tcp_gate: TcpGate
) -> None:
    """It takes the connection and never answers: the longest step of the feed."""
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as one:
        await one.wait_for_event(2)
        tcp_gate.stall()
        begun, before = len(replica.heartbeats), one.comments
        await change_job(database, job.id)
        await one.wait_until(
            lambda: len(replica.heartbeats) > begun + 3, "the feed to report", 2 * STALL_TIMEOUT_SECONDS
        )
        assert one.comments > before + 3
        await tcp_gate.drop_all()
        await tcp_gate.open()
        await one.wait_for_event(3)
    pauses = [later - beat for beat, later in zip(replica.heartbeats, replica.heartbeats[1:], strict=False)]
    assert max(pauses) < STALL_TIMEOUT_SECONDS - 2


async def test_quiet_stream_has_heartbeats_which_are_comments(
    database: Database, follower: httpx.AsyncClient
) -> None:
    await make_pending_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as one:
        await one.wait_until(lambda: one.comments >= 3, "three heartbeats")
        assert one.sequences == [1]


async def test_a_right_that_is_taken_away_ends_the_stream(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as one:
        await one.wait_for_event(2)
        replica.access.revoked = True
        await change_job(database, job.id)
        await one.wait_for_end(2)
    assert one.sequences == [2]


async def test_an_event_reaches_its_followers_by_the_notification_of_its_commit(
    database: Database, follower: httpx.AsyncClient
) -> None:
    job, _ = await make_running_job(database, "r-1")
    committed: dict[int, float] = {}
    async with connect_many(follower, events_path("r-1"), 10) as clients:
        for one in clients:
            await one.wait_for_event(2)
        for number in range(200):
            committed[3 + number] = await change_job(database, job.id)
            await asyncio.sleep(0.015)
        for one in clients:
            await one.wait_for_event(202)
    waits = sorted(
        event.at - committed[event.sequence] for one in clients for event in one.events if event.sequence > 2
    )
    assert len(waits) == 2_000
    # Without notifications half of the events would wait for half a poll or longer.
    assert waits[len(waits) // 2] < POLL_INTERVAL / 4


async def test_events_are_documented(client: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    about = document["paths"]["/migration/jobs/{id}/events"]["get"]
    assert set(about["responses"]) >= {"200", "204", "401", "403", "404", "422", "429", "503"}
    assert list(about["responses"]["200"]["content"]) == ["text/event-stream"]
    [header] = [one for one in about["parameters"] if one["in"] == "header"]
    assert header["name"] == "last-event-id"
    assert json.dumps(about).count("Last-Event-ID") >= 2
