"""Decisions on commands are stored: requester, whether it was accepted, and the reason if not."""

from consumer.store import commands
from consumer.store.commands import CommandDecision
from consumer.store.database import Database
from schemas.requests import CancelRequest, RetryRequest
from tests.support.job_factories import get_job, make_pending_job

CANCEL = CancelRequest(action="cancel", request_id="r-1", requested_by="ivanova")
RETRY = RetryRequest(action="retry", request_id="r-1", requested_by="petrov")


async def _apply(database: Database, command_id: str, command: CancelRequest | RetryRequest) -> str | None:
    async with database.transaction() as connection:
        return await commands.apply_command(connection, command_id, command)


async def _find(database: Database, command_id: str) -> CommandDecision | None:
    async with database.read_transaction() as connection:
        return (await commands.decided_commands(connection, [command_id])).get(command_id)


async def test_accepted_command_is_stored_with_its_requester(database: Database) -> None:
    await make_pending_job(database)
    assert await _apply(database, "c-1", CANCEL) is None
    assert await _find(database, "c-1") == CommandDecision("c-1", "r-1", "cancel", "ivanova", True, None)


async def test_rejected_command_is_stored_with_its_reason(database: Database) -> None:
    await make_pending_job(database)
    refusal = await _apply(database, "c-1", RETRY)
    assert refusal is not None
    assert await _find(database, "c-1") == CommandDecision("c-1", "r-1", "retry", "petrov", False, refusal)


async def test_second_delivery_does_not_change_the_decision(database: Database) -> None:
    await make_pending_job(database)
    await _apply(database, "c-1", RETRY)
    before = await _find(database, "c-1")
    await _apply(database, "c-2", CANCEL)
    assert await _apply(database, "c-1", RETRY) is not None
    assert await _find(database, "c-1") == before


async def test_reused_command_id_keeps_first_decision(database: Database) -> None:
    await make_pending_job(database)
    await _apply(database, "c-1", CANCEL)
    assert await _apply(database, "c-1", RETRY) is not None
    found = await _find(database, "c-1")
    assert found is not None
    assert (found.action, found.accepted) == ("cancel", True)


async def test_undecided_command_is_not_found(database: Database) -> None:
    assert await _find(database, "c-1") is None


async def test_many_decisions_are_read_at_once(database: Database) -> None:
    await make_pending_job(database)
    await _apply(database, "c-1", CANCEL)
    await _apply(database, "c-2", CANCEL)
    async with database.read_transaction() as connection:
        found = await commands.decided_commands(connection, ["c-2", "c-1", "c-3"])
    assert {name: decision.accepted for name, decision in found.items()} == {"c-1": True, "c-2": False}


async def test_run_has_its_requester(database: Database) -> None:
    await make_pending_job(database, requested_by="sidorov")
    assert (await get_job(database, "r-1")).run_requested_by == "sidorov"
    await _apply(database, "c-1", CANCEL)
    await _apply(database, "c-2", RETRY)
    job = await get_job(database, "r-1")
    assert (job.requested_by, job.run_requested_by) == ("sidorov", "petrov")
    await _apply(database, "c-3", CANCEL)
    await _apply(database, "c-4", RetryRequest(action="retry", request_id="r-1"))
    assert (await get_job(database, "r-1")).run_requested_by is None
