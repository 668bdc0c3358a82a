"""Runs the command in its own process, with any output."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]


def run_cli(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return run_cli_to(subprocess.PIPE, *arguments, cwd=cwd, **environment)


def run_cli_to(
    stdout: int, *arguments: str, cwd: Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; its output goes to a file descriptor."""
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(cwd), "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [sys.executable, "-m", "producer_cli", *arguments],
        cwd=cwd,
        env=known | environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def broken_pipe() -> Iterator[int]:
    """A pipe whose reader is gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)
