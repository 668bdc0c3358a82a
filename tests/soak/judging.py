"""The end of a soak: what the oracle finds, and what a plan in particular must have come to."""

from collections.abc import Iterator, Mapping

from schemas.topics import DEAD_LETTERS
from tests.soak import poison
from tests.soak.plan import Asked, Plan, Poison
from tests.soak.pool import SHARED, Source
from tests.soak.story import Story
from tests.soak.world import SoakWorld
from tests.support.faults.oracle import findings, past
from tests.support.line import reason

OPEN_JOBS = """
select request_id, status, attempt, failures, detail, error_code, available_at - clock_timestamp()
from migration.jobs where status in ('pending', 'running')
"""
DEFECTS = frozenset(
    {"task.died", "job.crashed", "job.task_died", "heartbeat.died", "outcome.refused", "child.not_reaped"}
)
"""Lines of the log that tell of a defect of ours, whatever breaks around us."""


def judge(world: SoakWorld, pool: Mapping[str, Source], plan: Plan, story: Story) -> None:
    """Look at everything; findings go to the story."""
    expect(world, pool, plan)
    story.ended.update(dict(world.rows.ask("select status, count(*) from migration.jobs group by status")))
    for check in (_jobs, _inserted, _letters, _defects):
        for found in check(world, plan):
            story.finding(found)
    for found in findings(world, sums=False):
        story.finding(found)


def expect(world: SoakWorld, pool: Mapping[str, Source], plan: Plan) -> None:
    """What the directory must hold: each source up to where the job that came furthest has stored it.

    Sources differ in all that depends on an order, so they may be loaded here in any.
    """
    for name, source in pool.items():
        jobs = [world.job(one.request_id) for one in plan.asked if one.source == name]
        if jobs:
            whole = any(job.get("status") == "completed" for job in jobs)
            source.into(world.directory, None if whole else max(job.get("checkpoint") or 0 for job in jobs))
    loads = {name: source.into(type(world.directory)()) for name, source in pool.items()}
    world.expected = {one.request_id: loads[one.source] for one in plan.asked}


def _jobs(world: SoakWorld, plan: Plan) -> Iterator[str]:
    """Each came to the end it must have; nobody else's job is there."""
    for one in plan.asked:
        job = world.job(one.request_id)
        ends = {"completed"} if one.cancel_after is None else {"completed", "cancelled"}
        if job.get("status") not in ends:
            yield f"{_told(one)} is {_end(job)}"
        elif SHARED not in one.source and job["updated"]:
            yield f"{_told(one)} updated {job['updated']} chats that nobody else knows"
    for poisoned in plan.poisons:
        yield from _poisoned(world, poisoned)
    there = {request_id for (request_id,) in world.rows.ask("select request_id from migration.jobs")}
    planned = {one.request_id for one in plan.asked} | {one.request_id for one in plan.poisons}
    yield from (f"nobody asked for {request_id}" for request_id in there - planned)


def _poisoned(world: SoakWorld, one: Poison) -> Iterator[str]:
    job = world.job(one.request_id)
    want = poison.JOBS.get(one.kind)
    if want is None and job:
        yield f"{one.kind} ({one.request_id}) made a job"
    if want is not None and (job.get("status"), job.get("error_code")) != ("failed", want):
        yield f"{one.kind} ({one.request_id}) is {_end(job)} instead of failed with {want}"


def _told(one: Asked) -> str:
    return f"{one.request_id} ({one.source}, {one.way})"


def _end(job: Mapping[str, object]) -> str:
    return f"{job['status']}, {job['error_code']}: {job['error_message']}" if job else "not there"


def _inserted(world: SoakWorld, _: Plan) -> Iterator[str]:
    """Every chat was inserted by one job, whichever came first."""
    told = world.rows.one("select sum(inserted) from migration.jobs")
    if told != len(world.directory.chats):
        yield f"the jobs together inserted {told} chats, there must be {len(world.directory.chats)}"


def _letters(world: SoakWorld, plan: Plan) -> Iterator[str]:
    """What is poison lies among the dead letters with its reason, and nothing else but late commands."""
    letters = past(world.bootstrap_servers, DEAD_LETTERS.name)
    there = {((letter.key or b"").decode(), reason(letter)) for letter in letters}
    known = plan.asked[0].request_id
    must = {
        (known if one.kind == "another body under a known id" else one.request_id, poison.MESSAGES[one.kind])
        for one in plan.poisons
        if one.kind in poison.MESSAGES
    }
    may = {(one.request_id, "command_refused") for one in plan.asked if one.cancel_after is not None}
    yield from (f"no dead letter for {key}: {why}" for key, why in sorted(must - there))
    yield from (f"a dead letter for {key}: {why}" for key, why in sorted(there - must - may))


def _defects(world: SoakWorld, _: Plan) -> Iterator[str]:
    for replica in world.replicas:
        for line in replica.lines():
            if line.get("event") in DEFECTS:
                yield f"{replica.name}: {line}"
