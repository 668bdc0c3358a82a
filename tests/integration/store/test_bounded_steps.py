"""Against a frozen Postgres, and against a network that swallows everything, every step ends within 10 s."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from consumer.lifecycle import Interrupted
from consumer.store import (
    claims,
    commands,
    leases,
    listener,
    loads,
    migrate,
    outbox,
    quotas,
    removal,
    retention,
)
from consumer.store.connect import Connection
from consumer.store.database import CONTROL_CONNECTIONS, Database
from consumer.store.errors import DatabaseUnavailable
from consumer.worker.keeper import Keeper
from consumer.worker.run import write_outcome
from schemas.requests import CancelRequest
from tests.integration.http.gate import Gate
from tests.integration.store.making import change, record, running
from tests.support.frozen import freeze_family, thaw_family
from tests.support.own_postgres import own_postgres

pytestmark = pytest.mark.alone

LIMIT_SECONDS = 10.0
CANCEL = CancelRequest(action="cancel", request_id="r-1")

Step = Callable[[], Awaitable[object]]


async def _steps(database: Database) -> dict[str, Step]:
    """A step of each kind that intake, worker, relay, heartbeat, listener and retention take."""
    _, fence = await running(database)
    old = timedelta(days=1)

    def inside(work: Callable[[Connection], Awaitable[object]]) -> Step:
        async def step() -> object:
            async with database.transaction() as connection:
                return await work(connection)

        return step

    async def beat() -> None:
        keeper = Keeper(database, fence, lease_seconds=10, beat_seconds=3)
        if not await keeper._beat(7.0):
            raise DatabaseUnavailable("a missed heartbeat")

    async def breathe() -> None:
        await asyncio.sleep(0)

    async def read() -> None:
        async with database.reader() as connection:
            await connection.fetchval("select 1")

    return {
        "record": lambda: record(database, str(uuid4())),
        "obey": inside(lambda connection: commands.obey(connection, str(uuid4()), CANCEL)),
        "claim": lambda: claims.claim(database, "owner", 10),
        "rescue": lambda: claims.rescue(database),
        "beat": beat,
        "settle": lambda: write_outcome(database, fence, Interrupted()),
        "draw": lambda: quotas.draw(database, "bucket", limit=1, window_seconds=1),
        "total": inside(lambda connection: loads.set_total(connection, fence, 5)),
        "begin": inside(lambda connection: loads.begin(connection, fence, "f", None, {})),
        "elect": inside(lambda connection: leases.elect(connection, "relay", "owner", 10)),
        "page": inside(lambda connection: outbox.unpublished(connection, 500, 2**20)),
        "resend": inside(lambda connection: outbox.resend_piece(connection, None, 500)),
        "prune events": lambda: retention.prune_events(database, old, breathe),
        "prune errors": lambda: retention.prune_errors(database, old, breathe),
        "prune jobs": lambda: removal.prune_jobs(database, old, breathe),
        "read": read,
        "listen": lambda: listener.listen(database.dsn, {"some": lambda _: None}),
    }


async def _all_end(database: Database, begin: Callable[[], None]) -> None:
    """Every step ends as an outage: on connections that stood already, and on those that are made then."""
    steps = await _steps(database)
    listening = asyncio.create_task(listener.listen(database.dsn, {"some": lambda _: None}))
    await asyncio.gather(*(change(database, "select pg_sleep(0.1)") for _ in range(CONTROL_CONNECTIONS)))
    begin()
    for _ in ("standing", "new"):
        began = time.monotonic()
        tasks = {name: asyncio.ensure_future(step()) for name, step in steps.items()}
        await asyncio.wait(tasks.values(), timeout=LIMIT_SECONDS)
        seconds = time.monotonic() - began
        hanging = [name for name, task in tasks.items() if not task.done()]
        assert hanging == [], f"after {seconds:.1f} s"
        assert {name: type(task.exception()) for name, task in tasks.items()} == dict.fromkeys(
            steps, DatabaseUnavailable
        )
    assert isinstance(listening.exception(), DatabaseUnavailable)


@asynccontextmanager
async def _swallowing(straight: Database) -> AsyncIterator[tuple[Database, Callable[[], None]]]:
    """The database by way of a gate, and how the gate goes silent."""
    parts = urlsplit(straight.dsn)
    gate = Gate(parts.hostname or "127.0.0.1", parts.port or 5432)
    await gate.open()
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{gate.port}"
    database = await Database.open(parts._replace(netloc=netloc).geturl())
    yield database, gate.silence
    await gate.shut()
    await database.close()
    await gate.close()


@asynccontextmanager
async def _frozen() -> AsyncIterator[tuple[Database, Callable[[], None]]]:
    """A database on a server of its own, and how that freezes."""
    with own_postgres() as made:
        await migrate.upgrade(made.url)
        database = await Database.open(made.url)
        try:
            yield database, lambda: freeze_family(made.server)
        finally:
            thaw_family(made.server)
            await database.close()


async def test_with_a_frozen_postgres_and_with_a_network_that_swallows_everything(database: Database) -> None:
    async with _swallowing(database) as swallowed, _frozen() as frozen:
        await asyncio.gather(_all_end(*swallowed), _all_end(*frozen))
