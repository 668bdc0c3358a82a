"""The operator's page states the outcome of every command in every state; the code agrees."""

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from consumer.lifecycle import Cancel, Complete, Fail, TimedOut, Transition
from consumer.store import claims, commands, job_progress, transitions
from consumer.store.batch_writer import BatchWriter
from consumer.store.database import Database
from consumer.worker.job_runner import write_outcome
from schemas.codes import DeadLetterReason
from schemas.requests import CancelRequest, RetryRequest
from tests.integration.store import minimal_dataset
from tests.integration.store.minimal_dataset import make_batch, make_things
from tests.support.job_factories import (
    execute,
    expire_lease,
    fencing_token,
    fetch,
    get_job,
    make_pending_job,
    make_running_job,
)

PAGE = Path(__file__).parents[3] / "docs" / "operations.md"
COMMANDS: dict[str, CancelRequest | RetryRequest] = {
    "cancel": CancelRequest(action="cancel", request_id="r-1"),
    "retry": RetryRequest(action="retry", request_id="r-1"),
}
REJECTED = DeadLetterReason.COMMAND_REFUSED.value


async def _make_unknown(_: Database) -> None:
    pass


async def _make_pending(database: Database) -> None:
    await make_pending_job(database)
    await execute(database, "update migration.jobs set run_started_at = clock_timestamp()")


async def _make_running(database: Database) -> None:
    await make_running_job(database)


async def _make_expired(database: Database) -> None:
    job, _ = await make_running_job(database)
    await expire_lease(database, job.id)


def _make_ended(transition: Transition) -> Callable[[Database], Awaitable[None]]:
    async def end(database: Database) -> None:
        _, owned = await make_running_job(database)
        session = await BatchWriter.open(database, owned, minimal_dataset.MERGE)
        await session.write(make_batch(make_things(2)))
        await session.close()
        async with database.transaction() as connection:
            await job_progress.set_total(connection, owned, 1)
            await transitions.apply(connection, owned.job_id, owned.token, transition)

    return end


MAKE_STATE: dict[str, Callable[[Database], Awaitable[None]]] = {
    "is not known, or was removed": _make_unknown,
    "is `pending`": _make_pending,
    "is `running`, its owner alive": _make_running,
    "is `running`, its owner gone, the lease not over": _make_running,
    "is `running`, its lease over": _make_expired,
    "is `completed`": _make_ended(Complete()),
    "is `failed`": _make_ended(Fail("no_rows", "none")),
    "is `cancelled`": _make_ended(Cancel()),
}


def table() -> Iterator[tuple[str, str, str]]:
    """State, event, and the first word in code of the cell: the status of the job, or the problem code."""
    section = PAGE.read_text(encoding="utf-8").split("## What a command does\n")[1].split("\n\n**")[0]
    head, _, *lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    for state, *cells in lines:
        for name, cell in zip(head[1:], cells, strict=False):
            yield state.strip(), name.strip("`"), re.findall(r"`(\w+)`", cell)[0]


def test_page_lists_every_state() -> None:
    assert {state for state, _, _ in table()} == MAKE_STATE.keys()


@pytest.mark.parametrize(("state", "what", "outcome"), [*table()])
async def test_page_states_the_outcome(database: Database, state: str, what: str, outcome: str) -> None:
    await MAKE_STATE[state](database)
    if what == "its time is over":
        await _pass_time(database, state)
    else:
        async with database.transaction() as connection:
            refusal = await commands.apply_command(connection, "c-1", COMMANDS[what])
        assert (refusal is not None) is (outcome == REJECTED), refusal
    if outcome != REJECTED:
        assert (await get_job(database, "r-1")).status == outcome


async def test_cancel_is_applied_by_the_rescue_of_the_attempt(database: Database) -> None:
    job, _ = await make_running_job(database)
    async with database.transaction() as connection:
        await commands.apply_command(connection, "c-1", COMMANDS["cancel"])
    await expire_lease(database, job.id)
    assert [after.status.value for after in await claims.rescue(database)] == ["cancelled"]


async def _pass_time(database: Database, state: str) -> None:
    """Let the run time out, then run the owner if it is alive, a rescue and the check for timeouts."""
    await execute(
        database, "update migration.jobs set run_started_at = clock_timestamp() - interval '1 year'"
    )
    if "owner alive" in state:
        await write_outcome(database, fencing_token(await get_job(database, "r-1")), TimedOut())
    if "owner gone" in state:
        for (job_id,) in await fetch(database, "select id from migration.jobs"):
            await expire_lease(database, job_id)
    await claims.rescue(database)
    await claims.fail_timed_out(database)
