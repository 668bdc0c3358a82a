"""Following a job by Server-Sent Events, with real sockets and a real Postgres."""

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
from consumer.store import pruning
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


def events_path(request_id: str | int) -> str:
    return f"/migration/jobs/{quote(str(request_id), safe='')}/events"


async def make_failed_job(database: Database, request_id: str = "r-1") -> int:
    """Make a failed job; returns its last sequence."""
    job, _ = await make_running_job(database, request_id)
    return await finish_attempt(database, job, Fail("no_rows", "the source is empty"))


async def test_stream_starts_with_the_last_event_and_ends_with_the_job(
    database: Database, follower: httpx.AsyncClient
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as sse_client:
        assert sse_client.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert sse_client.headers["cache-control"] == "no-store"
        await sse_client.wait_for_event(2)
        await change_job(database, job.id, "waits for Google Sheets")
        await sse_client.wait_for_event(3)
        last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
        await sse_client.wait_for_end()
    assert sse_client.sequences == [2, 3, 4] == list(range(2, last + 1))
    assert sse_client.retries == ["2000"]
    assert [event.data for event in sse_client.events] == (
        await job_factories.outbox_events(database, job.id)
    )[1:]
    assert sse_client.events[-1].data["status"] == "failed"


async def test_reconnecting_client_gets_every_event_once(
    database: Database, follower: httpx.AsyncClient
) -> None:
    job, _ = await make_running_job(database, "r-1")
    received: list[int] = [1]
    for _ in range(5):
        async with SseClient(follower, events_path(job.id), last_event_id=received[-1]) as sse_client:
            await change_job_many_times(database, job.id, 3)
            await sse_client.wait_until(
                lambda sse_client=sse_client: len(sse_client.events) >= 2, "some events"
            )
        received += sse_client.sequences
        await change_job_many_times(database, job.id, 4)
    async with SseClient(follower, events_path(job.id), last_event_id=received[-1]) as sse_client:
        last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
        await sse_client.wait_for_end()
    assert received + sse_client.sequences == list(range(1, last + 1))


async def test_long_history_is_in_order(database: Database, follower: httpx.AsyncClient) -> None:
    job, _ = await make_running_job(database, "r-1")
    await change_job_many_times(database, job.id, 1_000)
    last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
    async with SseClient(follower, events_path(job.id), last_event_id=0) as sse_client:
        await sse_client.wait_for_end()
    assert sse_client.sequences == list(range(1, last + 1))


async def test_reconnecting_after_the_terminal_event_is_204_until_a_retry(
    database: Database, follower: httpx.AsyncClient
) -> None:
    last = await make_failed_job(database)
    for after in (last, last + 1, 10**18):
        async with SseClient(follower, events_path("r-1"), last_event_id=after) as sse_client:
            await sse_client.wait_for_end()
            assert (sse_client.status, sse_client.body) == (204, b"")
    async with SseClient(follower, events_path("r-1"), last_event_id=last - 1) as sse_client:
        await sse_client.wait_for_end()
        assert sse_client.sequences == [last]
    async with SseClient(follower, events_path("r-1")) as sse_client:
        await sse_client.wait_for_end()
        assert sse_client.sequences == [last]
    await retry_job(database, "r-1")
    async with SseClient(follower, events_path("r-1"), last_event_id=last) as sse_client:
        await sse_client.wait_for_event(last + 1)
        assert sse_client.events[0].data["status"] == "pending"
        assert not sse_client.ended


async def test_terminal_event_of_an_earlier_run_does_not_end_the_stream(
    database: Database, follower: httpx.AsyncClient
) -> None:
    last = await make_failed_job(database)
    await retry_job(database, "r-1")
    async with SseClient(follower, events_path("r-1"), last_event_id=1) as sse_client:
        await sse_client.wait_for_event(last + 1)
        await sse_client.wait_until(lambda: sse_client.comments, "a heartbeat")
        assert not sse_client.ended
    assert sse_client.sequences == [2, last, last + 1]


async def test_last_event_id_above_the_last_sequence_gets_new_events(
    database: Database, follower: httpx.AsyncClient
) -> None:
    """As after a restore of the database from a backup."""
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1"), last_event_id=900) as sse_client:
        await change_job(database, job.id)
        await sse_client.wait_for_event(3)


async def test_deleted_events_are_skipped(database: Database, follower: httpx.AsyncClient) -> None:
    job, _ = await make_running_job(database, "r-1")
    await change_job_many_times(database, job.id, 5)
    await job_factories.execute(
        database, "update migration.outbox set published_at = now() - interval '9 days'"
    )

    async def no_pause() -> None:
        """No pause between chunks."""

    assert await pruning.prune_events(database, timedelta(days=1), no_pause) == 6
    for after in (None, 0, 3):
        async with SseClient(follower, events_path("r-1"), last_event_id=after) as sse_client:
            await sse_client.wait_for_event(7)
            assert sse_client.sequences == [7]


@pytest.mark.parametrize("after", ["x", "", "-1", "1.5", "9" * 20, "9" * 5_000, "0x10"])
async def test_bad_last_event_id_is_a_problem(
    database: Database, follower: httpx.AsyncClient, after: str
) -> None:
    await make_pending_job(database, "r-1")
    response = await follower.get(events_path("r-1"), headers={"last-event-id": after})
    assert response.status_code == 422
    assert response.json()["code"] == "invalid_parameter"
    assert response.json()["errors"][0]["field"] == "last-event-id (header)"


async def test_unknown_job_is_a_problem(follower: httpx.AsyncClient) -> None:
    response = await follower.get(events_path("unknown"))
    assert (response.status_code, response.json()["code"]) == (404, "job_not_found")


@pytest.mark.parametrize("request_id", ["чаты 2026", "a/b", "50%", "a b&c"])
async def test_any_request_id_can_be_followed(
    database: Database, follower: httpx.AsyncClient, request_id: str
) -> None:
    await make_pending_job(database, request_id)
    async with SseClient(follower, events_path(request_id)) as sse_client:
        await sse_client.wait_for_event(1)
        assert sse_client.events[0].data["request_id"] == request_id


async def test_hundred_clients_cost_one_query_per_event(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with connect_many(follower, events_path("r-1"), 100) as clients:
        for sse_client in clients:
            await sse_client.wait_for_event(2)
        before, changes = len(replica.queries), 20
        for number in range(changes):
            await change_job(database, job.id)
            for sse_client in clients:
                await sse_client.wait_for_event(3 + number)
        query_count = len(replica.queries) - before
    for sse_client in clients:
        assert sse_client.sequences == list(range(2, 3 + changes))
    assert query_count <= 4 * changes, "two for each event, and some by the poll interval"


async def test_too_many_clients_are_503(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    await make_pending_job(database, "r-1")
    async with connect_many(follower, events_path("r-1"), MAX_SUBSCRIBERS):
        response = await follower.get(events_path("r-1"))
        assert (response.status_code, response.json()["code"]) == (503, "busy")
        assert int(response.headers["retry-after"]) > 0

    async def admitted() -> bool:
        async with SseClient(follower, events_path("r-1")) as sse_client:
            return sse_client.status == 200

    await wait_until_async(admitted, 5, "the other clients to be unsubscribed")


async def test_disconnected_client_is_unsubscribed_at_once(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    job = await make_pending_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as sse_client:
        await sse_client.wait_for_event(1)
        assert len(replica.feed._subscribers) == 1

    async def unsubscribed() -> bool:
        return not replica.feed._subscribers

    await wait_until_async(unsubscribed, 1, "the client to be unsubscribed")
    before = len(replica.queries)
    await change_job(database, job.id)
    assert len(replica.queries) <= before + 1


@asynccontextmanager
async def stalled_client(port: int, path: str) -> AsyncIterator[socket.socket]:
    """A client with a small buffer that requests a stream and does not read it."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        yield client


async def read_to_end(client: socket.socket) -> list[int]:
    """Read to the end of the response; returns the sequences of its events."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    text = b""
    while not text.endswith(b"0\r\n\r\n"):
        piece = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1 << 20), 10)
        assert piece, "the connection was closed in the middle of the response"
        text += piece
    return [int(line[4:]) for line in text.split(b"\n") if line.startswith(b"id: ")]


async def test_slow_client_has_bounded_memory_and_misses_no_event(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    """10 MB of events: more than fits into the socket buffers."""
    job, _ = await make_running_job(database, "r-1")
    async with stalled_client(replica.port, events_path("r-1")) as slow:
        async with SseClient(follower, events_path("r-1")) as fast:
            for _ in range(20):
                await change_job_many_times(database, job.id, 65, LONG_DETAIL)
            last = await finish_attempt(database, job, Fail("no_rows", "the source is empty"))
            await fast.wait_for_end(60)
            assert fast.sequences == list(range(2, last + 1))
        [subscriber] = replica.feed._subscribers
        assert (subscriber.has_capacity, subscriber.last_sequence < last) == (False, True)
        assert subscriber._queued_bytes < MAX_QUEUED_BYTES + 20_000
        assert await read_to_end(slow) == list(range(2, last + 1))


async def test_stalled_client_is_unsubscribed(
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

        async def unsubscribed() -> bool:
            return bool(replica.queries) and not replica.feed._subscribers

        await wait_until_async(unsubscribed, 30, "the client to be unsubscribed")
    assert "ASGI" not in caplog.text.replace("ASGI callable returned without completing response", "")


async def test_drain_ends_streams_within_a_second(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    await make_pending_job(database, "r-1")
    async with connect_many(follower, events_path("r-1"), 20) as clients:
        for sse_client in clients:
            await sse_client.wait_for_event(1)
        await replica.stop()
        assert replica.seconds_to_stop < DRAIN_SECONDS
        for sse_client in clients:
            await sse_client.wait_for_end(1)


async def test_streams_survive_outage_of_postgres_without_a_gap(
    database: Database, follower: httpx.AsyncClient, tcp_gate: TcpGate
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as sse_client:
        await sse_client.wait_for_event(2)
        await tcp_gate.drop_all()
        before = sse_client.comments
        await change_job_many_times(database, job.id, 5)
        await sse_client.wait_until(lambda: sse_client.comments > before + 3, "heartbeats during the outage")
        assert sse_client.sequences == [2]
        assert (await follower.get(events_path("r-1"))).json()["code"] == "database_unavailable"
        await tcp_gate.open()
        await sse_client.wait_for_event(7)
        assert sse_client.sequences == [2, 3, 4, 5, 6, 7]


async def test_feed_sends_heartbeats_while_postgres_is_unresponsive(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica, tcp_gate: TcpGate
) -> None:
    """Postgres accepts the connection and never answers, which is the longest wait of the feed."""
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as sse_client:
        await sse_client.wait_for_event(2)
        tcp_gate.stall()
        started, before = len(replica.heartbeats), sse_client.comments
        await change_job(database, job.id)
        await sse_client.wait_until(
            lambda: len(replica.heartbeats) > started + 3, "the feed to report", 4 * STALL_TIMEOUT_SECONDS
        )
        assert sse_client.comments > before + 3
        await tcp_gate.drop_all()
        await tcp_gate.open()
        await sse_client.wait_for_event(3)
    pauses = [later - beat for beat, later in zip(replica.heartbeats, replica.heartbeats[1:], strict=False)]
    assert max(pauses) < STALL_TIMEOUT_SECONDS - 2


async def test_idle_stream_has_heartbeat_comments(database: Database, follower: httpx.AsyncClient) -> None:
    await make_pending_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as sse_client:
        await sse_client.wait_until(lambda: sse_client.comments >= 3, "three heartbeats")
        assert sse_client.sequences == [1]


async def test_revoked_right_ends_the_stream(
    database: Database, follower: httpx.AsyncClient, replica: EventReplica
) -> None:
    job, _ = await make_running_job(database, "r-1")
    async with SseClient(follower, events_path("r-1")) as sse_client:
        await sse_client.wait_for_event(2)
        replica.authenticator.revoked = True
        await change_job(database, job.id)
        await sse_client.wait_for_end(2)
    assert sse_client.sequences == [2]


async def test_events_are_sent_on_notification(database: Database, follower: httpx.AsyncClient) -> None:
    job, _ = await make_running_job(database, "r-1")
    committed: dict[int, float] = {}
    async with connect_many(follower, events_path("r-1"), 10) as clients:
        for sse_client in clients:
            await sse_client.wait_for_event(2)
        for number in range(200):
            committed[3 + number] = await change_job(database, job.id)
            await asyncio.sleep(0.015)
        for sse_client in clients:
            await sse_client.wait_for_event(202)
    waits = sorted(
        event.at - committed[event.sequence]
        for sse_client in clients
        for event in sse_client.events
        if event.sequence > 2
    )
    assert len(waits) == 2_000
    # Without notifications half of the events would wait for half a poll or longer.
    assert waits[len(waits) // 2] < POLL_INTERVAL / 4


async def test_events_are_documented(client: httpx.AsyncClient) -> None:
    document: dict[str, Any] = (await client.get("/openapi.json")).json()
    operation = document["paths"]["/migration/jobs/{id}/events"]["get"]
    assert set(operation["responses"]) >= {"200", "204", "401", "403", "404", "422", "429", "503"}
    assert list(operation["responses"]["200"]["content"]) == ["text/event-stream"]
    [header] = [parameter for parameter in operation["parameters"] if parameter["in"] == "header"]
    assert header["name"] == "last-event-id"
    assert json.dumps(operation).count("Last-Event-ID") >= 2
