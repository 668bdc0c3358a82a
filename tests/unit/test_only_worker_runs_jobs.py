"""A job cannot depend on its requester: intake starts no task, and the worker knows no message."""

import ast
import inspect
import subprocess
import sys
from collections import Counter
from pathlib import Path

from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.worker.attempt import Attempt, WorkerContext
from consumer.worker.job_runner import run_job
from consumer.worker.lease_heartbeat import LeaseHeartbeat

CONSUMER = Path(__file__).parents[2] / "consumer"
SPAWNING_CALLS = {
    "create_task",
    "ensure_future",
    "TaskGroup",
    "create_subprocess_exec",
    "Popen",
    "Process",
    "Thread",
    "ThreadPoolExecutor",
    "run_coroutine_threadsafe",
    "run_in_executor",
    "call_later",
    "call_soon",
    "add_task",
    "BackgroundTasks",
    "add_done_callback",
}
LOADED_MODULES_SCRIPT = "import sys, consumer.worker.worker; print(*sys.modules)"


def spawning_calls(package: str) -> Counter[str]:
    """The calls of a package that start something which outlives the call."""
    calls = [
        node.func
        for path in (CONSUMER / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    return Counter(name for name in names if name in SPAWNING_CALLS)


def test_intake_begins_nothing_that_outlives_its_call() -> None:
    assert spawning_calls("intake") == {}
    assert spawning_calls("worker")["create_task"] > 0, "the calls looked for are those that are made"


def test_the_worker_hears_of_no_message_no_request_and_no_connection() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED_MODULES_SCRIPT], capture_output=True, text=True, check=True
    )
    strangers = ("aiokafka", "messaging", "fastapi", "starlette", "consumer.intake", "consumer.http")
    assert [name for name in loaded.stdout.split() if name.startswith(strangers)] == []


def test_a_job_is_run_by_its_row_its_lease_and_what_every_job_gets() -> None:
    """No event, no task, no message, no timeout of a caller."""
    taken = {"context": WorkerContext, "job": Job, "lease_heartbeat": LeaseHeartbeat, "fence": FencingToken}
    assert inspect.get_annotations(run_job) == {**taken, "return": None}
    assert set(inspect.get_annotations(Attempt.__init__).values()) == {WorkerContext, Job, FencingToken, None}
