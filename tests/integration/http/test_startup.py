"""Until Postgres is available only the probes answer; then the service does, on the same socket."""

import asyncio
from functools import partial

import httpx

from consumer.http.events.event_feed import EventFeed, fetch_events
from consumer.http.server import listen, serve_on
from consumer.runtime import startup
from tests.support.http_app import make_read_only_app
from tests.support.tcp_gate import TcpGate
from tests.support.wait import wait_until_async


async def test_probes_answer_until_postgres_is_available_then_the_service(
    tcp_gate: TcpGate, gated_url: str
) -> None:
    await tcp_gate.drop_all()
    stop = asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        opening = asyncio.create_task(startup.wait_for_database(gated_url, listener, stop))
        async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:

            async def connection_tried() -> bool:
                response = await client.get("/readyz")
                assert response.status_code == 503
                return "no answer from Postgres" in response.json()["waiting_for"]["postgres"]

            await wait_until_async(connection_tried, 30, "a connection attempt")
            assert (await client.get("/healthz")).status_code == 200
            for path in ("/migration/jobs", "/migration/jobs/1/events", "/"):
                response = await client.get(path)
                assert (response.status_code, response.json()["code"]) == (503, "database_unavailable")
            await tcp_gate.open()
            database = await opening
            assert database is not None
            feed = EventFeed(partial(fetch_events, database))
            app = make_read_only_app(database, feed=feed)
            serving = asyncio.create_task(serve_on(app, listener, stop))
            assert (await client.get("/readyz")).json() == {"ready": True}
            assert (await client.get("/migration/jobs")).status_code == 200
        stop.set()
        await serving
        await database.close()


async def test_stop_ends_waiting_for_postgres(tcp_gate: TcpGate, gated_url: str) -> None:
    await tcp_gate.drop_all()
    stop = asyncio.Event()
    with listen("127.0.0.1", 0) as listener:
        opening = asyncio.create_task(startup.wait_for_database(gated_url, listener, stop))
        stop.set()
        assert await opening is None
