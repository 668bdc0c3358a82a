"""Against a frozen Postgres, and against a network that swallows everything, every step ends within 10 s."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from consumer.lifecycle import Released
from consumer.store import (
    claims,
    commands,
    job_progress,
    leases,
    listener,
    migrate,
    outbox,
    pruning,
    rate_limits,
)
from consumer.store.connect import Connection
from consumer.store.database import CONTROL_CONNECTIONS, Database
from consumer.store.errors import DatabaseUnavailableError
from consumer.worker.job_runner import write_outcome
from consumer.worker.lease_heartbeat import LeaseHeartbeat
from schemas.requests import CancelRequest
from tests.support.dedicated_postgres import start_dedicated_postgres
from tests.support.freeze import freeze_tree, resume_tree
from tests.support.job_factories import execute, make_running_job, record_request
from tests.support.tcp_gate import TcpGate

pytestmark = pytest.mark.serial

LIMIT_SECONDS = 10.0
CANCEL = CancelRequest(action="cancel", request_id="r-1")

Step = Callable[[], Awaitable[object]]


async def _steps(database: Database) -> dict[str, Step]:
    """A step of each kind that intake, worker, relay, heartbeat, listener and retention take."""
    _, fence = await make_running_job(database)
    old = timedelta(days=1)

    def inside(work: Callable[[Connection], Awaitable[object]]) -> Step:
        async def step() -> object:
            async with database.transaction() as connection:
                return await work(connection)

        return step

    async def renew_lease() -> None:
        heartbeat = LeaseHeartbeat(database, fence, lease_seconds=10, heartbeat_seconds=3)
        if not await heartbeat._beat(7.0):
            raise DatabaseUnavailableError("a missed heartbeat")

    async def pause() -> None:
        await asyncio.sleep(0)

    async def read() -> None:
        async with database.read_transaction() as connection:
            await connection.fetchval("select 1")

    return {
        "record": lambda: record_request(database, str(uuid4())),
        "apply command": inside(lambda connection: commands.apply_command(connection, str(uuid4()), CANCEL)),
        "claim": lambda: claims.claim(database, "owner", 10),
        "rescue": lambda: claims.rescue(database),
        "renew lease": renew_lease,
        "write outcome": lambda: write_outcome(database, fence, Released()),
        "acquire tokens": lambda: rate_limits.acquire(database, "bucket", limit=1, window_seconds=1),
        "set total": inside(lambda connection: job_progress.set_total(connection, fence, 5)),
        "start load": inside(lambda connection: job_progress.start_load(connection, fence, "f", None, {})),
        "elect relay": inside(lambda connection: leases.try_acquire(connection, "relay", "owner", 10)),
        "fetch events": inside(lambda connection: outbox.fetch_pending(connection, 500, 2**20)),
        "resend events": inside(lambda connection: outbox.resend_chunk(connection, None, 500)),
        "prune events": lambda: pruning.prune_events(database, old, pause),
        "prune rejected rows": lambda: pruning.prune_rejected_rows(database, old, pause),
        "prune jobs": lambda: pruning.prune_jobs(database, old, pause),
        "read": read,
        "listen": lambda: listener.listen(database.dsn, {"some": lambda _: None}),
    }


async def _assert_all_time_out(database: Database, make_unresponsive: Callable[[], None]) -> None:
    """Every step fails as an outage: first on existing connections, then on new ones."""
    steps = await _steps(database)
    listening = asyncio.create_task(listener.listen(database.dsn, {"some": lambda _: None}))
    await asyncio.gather(*(execute(database, "select pg_sleep(0.1)") for _ in range(CONTROL_CONNECTIONS)))
    make_unresponsive()
    for _ in ("existing", "new"):
        started_at = time.monotonic()
        tasks = {name: asyncio.ensure_future(step()) for name, step in steps.items()}
        await asyncio.wait(tasks.values(), timeout=LIMIT_SECONDS)
        seconds = time.monotonic() - started_at
        hanging = [name for name, task in tasks.items() if not task.done()]
        assert hanging == [], f"after {seconds:.1f} s"
        assert {name: type(task.exception()) for name, task in tasks.items()} == dict.fromkeys(
            steps, DatabaseUnavailableError
        )
    assert isinstance(listening.exception(), DatabaseUnavailableError)


@asynccontextmanager
async def _blackholed_database(direct: Database) -> AsyncIterator[tuple[Database, Callable[[], None]]]:
    """The database by way of a gate, and how the gate goes silent."""
    parts = urlsplit(direct.dsn)
    gate = TcpGate(parts.hostname or "127.0.0.1", parts.port or 5432)
    await gate.open()
    netloc = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{gate.port}"
    database = await Database.open(parts._replace(netloc=netloc).geturl())
    yield database, gate.stall
    await gate.drop_all()
    await database.close()
    await gate.close()


@asynccontextmanager
async def _frozen_server() -> AsyncIterator[tuple[Database, Callable[[], None]]]:
    """A database on a server of its own, and how that freezes."""
    with start_dedicated_postgres() as made:
        await migrate.upgrade(made.url)
        database = await Database.open(made.url)
        try:
            yield database, lambda: freeze_tree(made.server)
        finally:
            resume_tree(made.server)
            await database.close()


async def test_every_step_times_out_on_frozen_or_blackholed_postgres(database: Database) -> None:
    async with _blackholed_database(database) as blackholed, _frozen_server() as frozen:
        await asyncio.gather(_assert_all_time_out(*blackholed), _assert_all_time_out(*frozen))
