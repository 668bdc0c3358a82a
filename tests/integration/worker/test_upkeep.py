"""Expired leases and timeouts are looked for once a second, however many notifications arrive."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Collection
from pathlib import Path

import pytest
import pytest_asyncio

from consumer.sources.base import SourceCredentials
from consumer.store import claims
from consumer.store.database import Database
from consumer.store.jobs import Job
from consumer.worker.context import WorkerContext
from consumer.worker.fork_server import ForkServer
from consumer.worker.worker import Worker, WorkerConfig
from tests.support.wait import wait_until_async


@pytest_asyncio.fixture
async def worker(database_url: str, tmp_path: Path) -> Worker:
    database = await Database.open(database_url)
    return Worker(
        WorkerContext(database, {}, ForkServer({}), tmp_path, lambda _: SourceCredentials()),
        WorkerConfig("owner", 2, 10, 3),
    )


async def test_notifications_do_not_multiply_rescues(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: Counter[str] = Counter()
    times: list[float] = []
    claim, rescue, fail_timed_out = claims.claim, claims.rescue, claims.fail_timed_out

    async def counting_claim(
        database: Database, owner: str, lease_seconds: float, known_needs: Collection[str]
    ) -> Job | None:
        calls["claim"] += 1
        return await claim(database, owner, lease_seconds, known_needs)

    async def counting_rescue(database: Database, local: frozenset[int] = frozenset()) -> list[Job]:
        calls["rescue"] += 1
        times.append(asyncio.get_running_loop().time())
        return await rescue(database, local)

    async def counting_fail_timed_out(database: Database) -> list[Job]:
        calls["fail_timed_out"] += 1
        return await fail_timed_out(database)

    monkeypatch.setattr(claims, "claim", counting_claim)
    monkeypatch.setattr(claims, "rescue", counting_rescue)
    monkeypatch.setattr(claims, "fail_timed_out", counting_fail_timed_out)
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(stop))

    async def third_rescue() -> bool:
        worker.on_notify("17")
        return calls["rescue"] == 3

    await wait_until_async(third_rescue, 20, "the third search for expired leases")
    stop.set()
    worker.on_notify("")
    await running
    assert calls["claim"] > 12, "each notification may announce a job"
    assert calls["fail_timed_out"] == 3
    assert min(later - before for before, later in itertools.pairwise(times)) >= 0.99
    await worker._database.close()
