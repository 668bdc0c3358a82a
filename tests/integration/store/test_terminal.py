"""I19: whoever comes first ends a job, and nobody who comes behind changes that, not even in that moment."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import groupby, pairwise

import pytest

from consumer.errors import LeaseLost
from consumer.lifecycle import EDGES, Finished, Outcome, Refused
from consumer.store import claims, commands, leases, loads
from consumer.store.database import Database
from consumer.store.errors import Conflict
from consumer.store.leases import Fence
from consumer.store.session import Session
from consumer.worker.run import write_outcome
from schemas.requests import CancelRequest, RetryRequest
from schemas.status import Status
from tests.integration.store import tiny
from tests.integration.store.making import change, events, expire, named, record, rows, running, snapshot
from tests.integration.store.tiny import batch, things

STEPS = {(str(left), str(right)) for _, left, right in EDGES}
ROUNDS = 25
FIRST_SPREAD_SECONDS = 0.01


async def _read_whole(database: Database, request_id: str) -> Fence:
    """A running job with every row stored: its owner is about to write the end."""
    _, fence = await running(database, request_id)
    session = await Session.open(database, fence, tiny.MERGE)
    await session.store(batch(things(2)))
    await session.close()
    async with database.transaction() as connection:
        await loads.set_total(connection, fence, 1)
    return fence


async def _finish(database: Database, fence: Fence, outcome: Outcome) -> str:
    """What the owner does, late or not."""
    try:
        return (await write_outcome(database, fence, outcome)).status.value
    except LeaseLost:
        return "nothing"


async def _rescue(database: Database) -> str:
    rescued = await claims.rescue(database)
    return rescued[0].status.value if rescued else "nothing"


async def _obey(database: Database, command: CancelRequest | RetryRequest) -> str:
    """What intake does: it comes again while another transaction is in the way."""
    while True:
        try:
            async with database.transaction() as connection:
                refused = await commands.obey(connection, f"{command.action} {command.request_id}", command)
                return "nothing" if refused else command.action
        except Conflict:
            continue


async def _claim(database: Database) -> str:
    claimed = await claims.claim(database, "successor", 60)
    return claimed.status.value if claimed else "nothing"


@pytest.mark.parametrize("cancelled", [False, True], ids=["", "and a cancel"])
@pytest.mark.parametrize("outcome", [Finished(), Refused("no_rows", "none")], ids=["completed", "failed"])
async def test_of_a_finish_and_a_rescue_in_the_same_moment_one_happens(
    database: Database, neighbour: Database, outcome: Outcome, cancelled: bool
) -> None:
    """The lease ran out, the owner is alive and writes its end, and two replicas come to its rescue."""
    chance, ends, lasted = random.Random(1), Counter[str](), FIRST_SPREAD_SECONDS
    for number in range(ROUNDS):
        request_id = f"r-{number}"
        fence = await _read_whole(database, request_id)
        await expire(database, fence.job_id)
        racing: list[Callable[[], Awaitable[str]]] = [
            lambda fence=fence: _finish(database, fence, outcome),  # type: ignore[misc]
            lambda: _rescue(neighbour),
            lambda: _rescue(database),
            lambda: _claim(neighbour),
        ]
        if cancelled:
            command = CancelRequest(action="cancel", request_id=request_id)
            racing.append(lambda command=command: _obey(neighbour, command))  # type: ignore[misc]
        # The owner has the shortest way: it begins at any moment of what a round takes, the others early.
        waits = [chance.random() * lasted * share for share in (0.7, 0.1, 0.1, 0.3, 0.5)]
        begun = time.monotonic()
        did = await asyncio.gather(*(map(_a_moment_later, waits, racing)))
        lasted = time.monotonic() - begun
        ended_it = [what for what in did[:3] if what != "nothing"]
        assert len(ended_it) <= 1, f"one attempt came to {len(ended_it)} ends: {did}"
        assert ended_it or cancelled, f"one attempt came to no end: {did}"
        ends[did[0]] += 1
        await _judge(database, request_id, finished=did[0] != "nothing")
        await _put_away(database)
    assert len(ends) > 1, f"they never raced: {ends}"


async def _a_moment_later(seconds: float, act: Callable[[], Awaitable[str]]) -> str:
    await asyncio.sleep(seconds)
    return await act()


async def _judge(database: Database, request_id: str, *, finished: bool) -> None:
    """One story is told: at most one end, with nothing behind it, and what was finished stays so."""
    job = await named(database, request_id)
    told = [event["status"] for event in await events(database, job.id)]
    terminal = [status for status in told if Status(status).terminal]
    assert len(terminal) == (1 if job.status.terminal else 0), told
    assert told[-1] == job.status, told
    assert all(step in STEPS for step in pairwise(status for status, _ in groupby(told))), told
    if finished:
        assert job.status in (Status.COMPLETED, Status.FAILED), told
    if job.status.terminal:
        assert await rows(database, "select name from migration.leases") == []


async def _put_away(database: Database) -> None:
    """The next round is about a job of its own."""
    await change(database, "delete from migration.leases")
    await change(database, "delete from migration.jobs")


@pytest.mark.parametrize("outcome", [Finished(), Refused("no_rows", "none")], ids=["completed", "failed"])
@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
async def test_whatever_comes_behind_the_end_changes_nothing(
    database: Database, end: str, outcome: Outcome
) -> None:
    """The owner of old, a rescue, a claim, a heartbeat, a cancel, and the request once more."""
    fence = await _read_whole(database, "r-1")
    if end == "cancelled":
        await expire(database, fence.job_id)
        assert await _obey(database, CancelRequest(action="cancel", request_id="r-1")) == "cancel"
    else:
        await write_outcome(database, fence, Finished() if end == "completed" else Refused("no_rows", "none"))
    await change(database, "update migration.outbox set published_at = clock_timestamp()")
    before = await snapshot(database)

    assert await _finish(database, fence, outcome) == "nothing"
    assert await _rescue(database) == "nothing"
    assert await claims.end_overdue(database) == []
    assert await _claim(database) == "nothing"
    with pytest.raises(LeaseLost):
        async with database.transaction() as connection:
            await leases.beat(connection, fence, 60)
    assert await snapshot(database) == before

    assert await _obey(database, CancelRequest(action="cancel", request_id="r-1")) == (
        "cancel" if end == "cancelled" else "nothing"  # the one obeyed before, told again
    )
    await record(database, "r-1")
    job = await named(database, "r-1")
    assert (job.status.value, job.run) == (end, 1)
    assert len(await events(database, job.id)) == job.sequence
