"""The fork server has imported whatever an extractor imports later, and has used none of it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
PACKAGES = ("consumer/extract", "consumer/sources", "consumer/datasets", "consumer/cells")
PRELOADED_SCRIPT = """
import sys
from consumer.extract.fork_server import cold, preload

preload.import_all()
cold.require_cold()
print(*sys.modules)
"""
POLARS_SCRIPT = """
import os, signal
from consumer.extract.fork_server import cold, preload

start = preload.import_all()
import polars

cold.require_cold()
children = []
for _ in range(3):
    if (pid := os.fork()) == 0:
        signal.alarm(30)
        start()
        frame = polars.DataFrame({"a": [n % 7 for n in range(50_000)]})
        groups = frame.lazy().group_by("a").len().collect(engine="streaming")
        names = [open(f"/proc/self/task/{task}/comm").read() for task in os.listdir("/proc/self/task")]
        os._exit(0 if groups.height == 7 and any("ooc" in name for name in names) else 1)
    children.append(pid)
cold.require_cold()
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children])
"""
WARM_SCRIPT = """
import threading, time
from consumer.extract.fork_server import cold

threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
cold.require_cold()
"""


def run(script: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def preloaded_modules() -> set[str]:
    done = run(PRELOADED_SCRIPT)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def imports_in_functions() -> Iterator[tuple[str, str]]:
    """Modules that are imported on use, with the file; names imported from a package may be modules, too."""
    for folder in PACKAGES:
        for path in (ROOT / folder).rglob("*.py"):
            functions = [node for node in ast.walk(ast.parse(path.read_text())) if is_function(node)]
            for node in (inner for function in functions for inner in ast.walk(function)):
                if isinstance(node, ast.Import):
                    yield from ((str(path.relative_to(ROOT)), alias.name) for alias in node.names)
                elif isinstance(node, ast.ImportFrom) and node.module:
                    yield str(path.relative_to(ROOT)), node.module


def is_function(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def test_whatever_is_imported_on_use_was_imported_before(preloaded_modules: set[str]) -> None:
    found = list(imports_in_functions())
    assert len(found) >= 10, "the search finds imports"
    assert [(file, name) for file, name in found if name not in preloaded_modules] == []


def test_libraries_of_every_source_are_imported(preloaded_modules: set[str]) -> None:
    of_workbooks = {"numpy", "polars", "isal", "python_calamine", "msoffcrypto"}
    assert of_workbooks | {"asyncpg", "gspread", "aiokafka"} <= preloaded_modules


def test_forked_child_can_use_polars_and_the_server_stays_cold() -> None:
    done = run(POLARS_SCRIPT)
    assert done.stdout == "[0, 0, 0]\n", done.stderr


def test_process_with_a_second_thread_is_not_cold() -> None:
    assert "WarmError: the fork server has 2 threads" in run(WARM_SCRIPT).stderr
