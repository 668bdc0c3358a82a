"""A job does not depend on its requester: intake starts no task, and the worker imports no messaging."""

import ast
import inspect
import subprocess
import sys
from collections import Counter
from pathlib import Path

from consumer.store.jobs import Job
from consumer.store.leases import FencingToken
from consumer.worker.attempt import Attempt
from consumer.worker.context import WorkerContext
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
WAITING = {"messaging", "messaging.backoff", "messaging.timeouts"}
"""Bounded waits and backoff, shared by all packages: they import the standard library only."""
LOADED_MODULES_SCRIPT = "import sys, consumer.worker.worker; print(*sys.modules)"


def spawning_calls(package: str) -> Counter[str]:
    """Calls in a package that start a task, thread or process."""
    calls = [
        node.func
        for path in (CONSUMER / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    names = [call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls]
    return Counter(name for name in names if name in SPAWNING_CALLS)


def test_intake_starts_no_task() -> None:
    assert spawning_calls("intake") == {}
    assert spawning_calls("worker")["create_task"] > 0, "the search finds calls"


def test_worker_imports_neither_messages_nor_http() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED_MODULES_SCRIPT], capture_output=True, text=True, check=True
    )
    forbidden = ("aiokafka", "messaging", "fastapi", "starlette", "consumer.intake", "consumer.http")
    names = set(loaded.stdout.split()) - WAITING
    assert [name for name in names if name.startswith(forbidden)] == []


def test_modules_shared_with_messaging_import_the_standard_library_only() -> None:
    for name in WAITING:
        path = CONSUMER.parent / name.replace(".", "/")
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            imported = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            imported += [node.module or "."] if isinstance(node, ast.ImportFrom) else []
            assert {module.partition(".")[0] for module in imported} <= sys.stdlib_module_names, file


def test_parameters_of_a_job() -> None:
    """No event, no task, no message, no timeout of a caller."""
    expected = {
        "context": WorkerContext,
        "job": Job,
        "lease_heartbeat": LeaseHeartbeat,
        "fence": FencingToken,
    }
    assert inspect.get_annotations(run_job) == {**expected, "return": None}
    assert set(inspect.get_annotations(Attempt.__init__).values()) == {WorkerContext, Job, FencingToken, None}
