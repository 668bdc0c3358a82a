"""I6: after any crash, and any COMMIT whose answer was lost, the target equals the source exactly."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge, quiet
from tests.support.faults.postgres import Commit
from tests.support.service import Service
from tests.support.wait import until

KINDS = {
    "the request": "insert into migration.jobs",
    "the claim": "attempt = attempt + 1, failures = failures + 1",
    "the beginning of the load": "set fingerprint",
    "the total": "set total",
    "a batch": "checkpoint = $3, failures = 0",
    "the end": "set status = 'completed'",
    "what was published": "set published_at = clock_timestamp()",
}
LEASES_ALONE = (
    *("with beat as", "into migration.leases", "update migration.leases", "delete from migration.leases"),
)
BATCHES = 3
MOST = 60


def tells_of_a_job(commit: Commit) -> bool:
    """A transaction that writes a job or its events; what writes leases alone is tried by itself."""
    rest = (one for one in commit.statements if not any(words in one for words in LEASES_ALONE))
    return Commit(tuple(rest)).writes


def never(lost: list[Commit]) -> list[str]:
    """The kinds of commit that none of these was of."""
    return [kind for kind, words in KINDS.items() if not any(commit.touches(words) for commit in lost)]


def batches(lost: list[Commit]) -> int:
    """How many of these were of a batch."""
    return sum(commit.touches(KINDS["a batch"]) for commit in lost)


def lost_in_a_job(world: FaultWorld, book: Book, nth: int, where: Callable[[Commit], bool]) -> Commit | None:
    """Import a workbook, and lose the answer to its nth commit of a kind; None where it has fewer."""
    world.empty()
    loss = world.postgres.lose_answer(nth, where)
    request_id = world.ask(book)
    world.until_status(request_id, "completed")
    quiet(world)
    assert world.rows.directory() == world.directory.rows(), f"after the loss of {loss.commit}"
    if loss.commit is not None:
        assert loss.happened.wait(10)
        assert loss.answer == "COMMIT"
    return loss.commit


def test_the_answer_to_any_commit_of_a_job_may_be_lost(fault_world: FaultWorld, short_book: Book) -> None:
    """One job for each n: the answer to the nth COMMIT of a transaction that writes is lost.

    Their order is not always the same, so a kind that was never the nth has a job of its own.
    """
    world = fault_world
    world.replica()
    world.replica()
    lost: list[Commit] = []
    for nth in range(1, MOST):
        commit = lost_in_a_job(world, short_book, nth, tells_of_a_job)
        if commit is None:
            break
        lost.append(commit)
    else:
        pytest.fail("it never came to a commit that a job does not have")
    left = [(1, kind) for kind in never(lost)]
    left += [
        (nth, "a batch") for nth in range(batches(lost) + 1, BATCHES + 1) if (nth, "a batch") not in left
    ]
    for nth, kind in left:
        commit = lost_in_a_job(world, short_book, nth, lambda one, words=KINDS[kind]: one.touches(words))  # type: ignore[misc]
        assert commit, f"there is no commit of {kind}, or too few"
        lost.append(commit)
    world.postgres.loss = None
    assert not never(lost), f"of {len(lost)} answers lost none was about {never(lost)}"
    assert batches(lost) >= BATCHES
    judge(world)


@pytest.mark.parametrize(
    "words",
    [("with beat as",), ("into migration.leases", "nextval"), ("update migration.leases set expires_at",)],
    ids=["heartbeat", "election", "renewal"],
)
def test_the_answer_about_a_lease_may_be_lost(
    fault_world: FaultWorld, book: Book, words: tuple[str, ...]
) -> None:
    world = fault_world
    loss = world.postgres.lose_answer(1, lambda commit: commit.touches(*words))
    world.replica()
    world.replica()
    request_id = world.ask(book)
    assert loss.happened.wait(60)
    world.until_status(request_id, "completed")
    judge(world)


def test_the_answers_to_a_cancel_and_a_retry_may_be_lost(fault_world: FaultWorld, book: Book) -> None:
    world = fault_world
    world.replica()
    loss = world.postgres.lose_answer(1, lambda commit: commit.touches("insert into migration.commands"))
    with world.rows.held("directory.chats"):
        request_id = world.ask(book)
        world.until_status(request_id, "running")
        world.line.command("cancel", request_id)
        assert loss.happened.wait(60)
        world.until_status(request_id, "cancelled")
    loss = world.postgres.lose_answer(1, lambda commit: commit.touches("insert into migration.commands"))
    world.line.command("retry", request_id)
    assert loss.happened.wait(60)
    assert world.until_status(request_id, "completed")["run"] == 2
    assert world.rows.one("select count(*) from migration.commands") == 2
    assert world.dead_letters(request_id) == [], "what was obeyed was refused when it came again"
    judge(world)


KILLED_AT = (
    *("batch.copying", "batch.copied", "batch.fenced", "batch.merged", "batch.recorded", "batch.committed"),
    *("heartbeat.before", "relay.before_send", "relay.sent", "relay.marked"),
)
KILLS = 8
FEWEST_KILLS = 5
"""A job may come to its end before a fault is due; fewer would show little."""


def over(world: FaultWorld, replica: Service, request_id: str) -> bool:
    """Whether the replica was killed, or the job needs it no more."""
    return not replica.running or world.job(request_id).get("status") == "completed"


@pytest.mark.parametrize("seed", [1, 2])
def test_after_many_kills_at_random_points_the_target_equals_the_source(
    fault_world: FaultWorld, book: Book, seed: int
) -> None:
    world, chance = fault_world, random.Random(seed)
    settings = {"MIGRATION_BATCH_ROWS": "30", "MIGRATION_MAX_ATTEMPTS": "50"}
    request_id, kills = "", 0
    while kills < KILLS:
        fault = f"{chance.choice(KILLED_AT)}=kill@{chance.randint(1, 4)}"
        replica = world.launch(fault, **settings)
        request_id = request_id or world.ask(book)
        until(partial(over, world, replica, request_id), 60, f"{fault}, or the end of the job")
        if replica.running:
            break
        world.until_killed(replica)
        kills += 1
    assert kills >= FEWEST_KILLS
    world.replica(**settings)
    world.until_status(request_id, "completed")
    judge(world)
