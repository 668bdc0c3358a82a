"""A service whose fork server cannot start says so, and does not start."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.doc_pages import ROOT

RUN_SCRIPT = """
import sys
from consumer import __main__
from consumer.worker import fork_server_process

fork_server_process.SERVER_MODULE = "tests.support.warm_fork_server"
sys.argv = ["migration-consumer", "run"]
__main__.main()
"""


def test_service_does_not_start_without_a_fork_server(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "DATABASE_URL": "postgresql://u@127.0.0.1:1/nowhere",
        "MIGRATION_INBOX": str(tmp_path),
        "MIGRATION_SCRATCH": str(tmp_path),
        "MIGRATION_HTTP_PORT": "0",
        "PYTHONPATH": ".",
    }
    done = subprocess.run(
        [sys.executable, "-c", RUN_SCRIPT],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    error = done.stderr.splitlines()[-1]
    assert error.startswith("migration-consumer: The service cannot start the process that forks readers")
    assert "only a process with one can be forked safely" in error
