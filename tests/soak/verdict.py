"""The end of a soak: what the oracle finds, and what a plan in particular must have come to."""

from collections.abc import Iterator, Mapping

from schemas.topics import DEAD_LETTERS
from tests.soak import poison
from tests.soak.harness import SoakHarness
from tests.soak.log import SoakLog
from tests.soak.plan import Plan, PlannedJob, PoisonMessage
from tests.soak.sources import SHARED, SoakSource
from tests.support.faults.oracle import find_violations, read_topic
from tests.support.kafka_client import dead_letter_reason

OPEN_JOBS = """
select request_id, status, attempt, consecutive_failures, detail, error_code, available_at - clock_timestamp()
from migration.jobs where status in ('pending', 'running')
"""
DEFECT_EVENTS = frozenset(
    {
        "task.crashed",
        "job.crashed",
        "job.task_crashed",
        "heartbeat.crashed",
        "outcome.write_rejected",
        "child.unkillable",
    }
)
"""Lines of the log that tell of a defect of ours, whatever breaks around us."""


def record_findings(
    harness: SoakHarness, sources: Mapping[str, SoakSource], plan: Plan, log: SoakLog
) -> None:
    """Look at everything; findings go to the story."""
    set_expectations(harness, sources, plan)
    log.job_statuses.update(
        dict(harness.db.fetch("select status, count(*) from migration.jobs group by status"))
    )
    for check in (_jobs, _inserted, _dead_letters, _defects):
        for found in check(harness, plan):
            log.add_finding(found)
    for found in find_violations(harness, check_sums=False):
        log.add_finding(found)


def set_expectations(harness: SoakHarness, sources: Mapping[str, SoakSource], plan: Plan) -> None:
    """What the directory must hold: each source up to where the job that came furthest has stored it.

    Sources differ in all that depends on an order, so they may be loaded here in any.
    """
    for name, source in sources.items():
        jobs = [
            harness.job(planned_job.request_id) for planned_job in plan.jobs if planned_job.source == name
        ]
        if jobs:
            completed = any(job.get("status") == "completed" for job in jobs)
            source.load_into(
                harness.expected_directory,
                None if completed else max(job.get("checkpoint") or 0 for job in jobs),
            )
    loads = {name: source.load_into(type(harness.expected_directory)()) for name, source in sources.items()}
    harness.expected_loads = {planned_job.request_id: loads[planned_job.source] for planned_job in plan.jobs}


def _jobs(harness: SoakHarness, plan: Plan) -> Iterator[str]:
    """Each job has the outcome it must have, and there is no other job."""
    for request in plan.jobs:
        job = harness.job(request.request_id)
        ends = {"completed"} if request.cancel_after is None else {"completed", "cancelled"}
        if job.get("status") not in ends:
            yield f"{_describe_job(request)} is {_describe_outcome(job)}"
        elif SHARED not in request.source and job["updated"]:
            yield f"{_describe_job(request)} updated {job['updated']} chats of no other source"
    for poisoned in plan.poisons:
        yield from _check_poison(harness, poisoned)
    recorded = {request_id for (request_id,) in harness.db.fetch("select request_id from migration.jobs")}
    planned = {request.request_id for request in plan.jobs} | {message.request_id for message in plan.poisons}
    yield from (f"job {request_id} was never requested" for request_id in recorded - planned)


def _check_poison(harness: SoakHarness, message: PoisonMessage) -> Iterator[str]:
    job = harness.job(message.request_id)
    want = poison.JOB_ERROR_CODES.get(message.kind)
    if want is None and job:
        yield f"{message.kind} ({message.request_id}) made a job"
    if want is not None and (job.get("status"), job.get("error_code")) != ("failed", want):
        outcome = _describe_outcome(job)
        yield f"{message.kind} ({message.request_id}) is {outcome} instead of failed with {want}"


def _describe_job(planned_job: PlannedJob) -> str:
    return f"{planned_job.request_id} ({planned_job.source}, {planned_job.reference})"


def _describe_outcome(job: Mapping[str, object]) -> str:
    return f"{job['status']}, {job['error_code']}: {job['error_message']}" if job else "not there"


def _inserted(harness: SoakHarness, _: Plan) -> Iterator[str]:
    """Every chat was inserted by one job, whichever came first."""
    counted, expected = (
        harness.db.fetchval("select sum(inserted) from migration.jobs"),
        len(harness.expected_directory.chats),
    )
    if counted != expected:
        yield f"the jobs together inserted {counted} chats, there must be {expected}"


def _dead_letters(harness: SoakHarness, plan: Plan) -> Iterator[str]:
    """The dead letters are the poison messages, each with its reason, and late commands."""
    dead_letters = read_topic(harness.bootstrap_servers, DEAD_LETTERS.name)
    published = {((record.key or b"").decode(), dead_letter_reason(record)) for record in dead_letters}
    known = plan.jobs[0].request_id
    required = {
        (
            known if message.kind == "another body under a known id" else message.request_id,
            poison.DEAD_LETTER_REASONS[message.kind],
        )
        for message in plan.poisons
        if message.kind in poison.DEAD_LETTER_REASONS
    }
    allowed = {
        (request.request_id, "command_refused") for request in plan.jobs if request.cancel_after is not None
    }
    yield from (f"no dead letter for {key}: {why}" for key, why in sorted(required - published))
    yield from (f"a dead letter for {key}: {why}" for key, why in sorted(published - required - allowed))


def _defects(harness: SoakHarness, _: Plan) -> Iterator[str]:
    for replica in harness.replicas:
        for line in replica.log_lines():
            if line.get("event") in DEFECT_EVENTS:
                yield f"{replica.name}: {line}"
