"""The operator's page says of every command and every state what becomes of the job; the code does that."""

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from consumer.lifecycle import Cancel, Complete, Fail, TimedOut, Transition
from consumer.store import claims, commands, loads, transitions
from consumer.store.database import Database
from consumer.store.session import Session
from consumer.worker.run import write_outcome
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest
from tests.integration.store import tiny
from tests.integration.store.making import change, expire, fence, named, pending, rows, running
from tests.integration.store.tiny import batch, things

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
COMMANDS: dict[str, CancelRequest | RetryRequest] = {
    "cancel": CancelRequest(action="cancel", request_id="r-1"),
    "retry": RetryRequest(action="retry", request_id="r-1"),
}
REFUSED = DeadLetterReason.COMMAND_REFUSED.value


async def _unknown(_: Database) -> None:
    pass


async def _pending(database: Database) -> None:
    await pending(database)
    await change(database, "update migration.jobs set run_started_at = clock_timestamp()")


async def _running(database: Database) -> None:
    await running(database)


async def _expired(database: Database) -> None:
    job, _ = await running(database)
    await expire(database, job.id)


def _ended(transition: Transition) -> Callable[[Database], Awaitable[None]]:
    async def end(database: Database) -> None:
        _, owned = await running(database)
        session = await Session.open(database, owned, tiny.MERGE)
        await session.store(batch(things(2)))
        await session.close()
        async with database.transaction() as connection:
            await loads.set_total(connection, owned, 1)
            await transitions.apply(connection, owned.job_id, owned.token, transition)

    return end


STATES: dict[str, Callable[[Database], Awaitable[None]]] = {
    "is not known, or was removed": _unknown,
    "is `pending`": _pending,
    "is `running`, its owner alive": _running,
    "is `running`, its owner gone, the lease not over": _running,
    "is `running`, its lease over": _expired,
    "is `completed`": _ended(Complete()),
    "is `failed`": _ended(Fail("no_rows", "none")),
    "is `cancelled`": _ended(Cancel()),
}


def table() -> Iterator[tuple[str, str, str]]:
    """State, what happens, and the first word in code: what becomes of the job, or of the command."""
    section = PAGE.read_text(encoding="utf-8").split("## What a command does\n")[1].split("\n\n**")[0]
    head, _, *lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    for state, *cells in lines:
        for name, cell in zip(head[1:], cells, strict=False):
            yield state.strip(), name.strip("`"), re.findall(r"`(\w+)`", cell)[0]


def test_every_state_is_told() -> None:
    assert {state for state, _, _ in table()} == STATES.keys()


@pytest.mark.parametrize(("state", "what", "outcome"), [*table()])
async def test_what_the_page_tells_is_what_happens(
    database: Database, state: str, what: str, outcome: str
) -> None:
    await STATES[state](database)
    if what == "its time is over":
        await _time_goes_by(database, state)
    else:
        async with database.transaction() as connection:
            refusal = await commands.obey(connection, "c-1", COMMANDS[what])
        assert (refusal is not None) is (outcome == REFUSED), refusal
    if outcome != REFUSED:
        assert (await named(database, "r-1")).status == outcome


async def test_a_wish_to_cancel_is_honoured_by_whoever_ends_the_attempt(database: Database) -> None:
    job, _ = await running(database)
    async with database.transaction() as connection:
        await commands.obey(connection, "c-1", COMMANDS["cancel"])
    await expire(database, job.id)
    assert [after.status.value for after in await claims.rescue(database)] == ["cancelled"]


async def _time_goes_by(database: Database, state: str) -> None:
    """The run began long ago; then everybody who looks after jobs does, the owner where there is one."""
    await change(database, "update migration.jobs set run_started_at = clock_timestamp() - interval '1 year'")
    if "owner alive" in state:
        await write_outcome(database, fence(await named(database, "r-1")), TimedOut())
    if "owner gone" in state:
        for (job_id,) in await rows(database, "select id from migration.jobs"):
            await expire(database, job_id)
    await claims.rescue(database)
    await claims.end_overdue(database)
