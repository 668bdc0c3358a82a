"""The command `migration` as a person at a terminal would start it."""

import os
import subprocess
import sys

from devstack.service import ServiceProcess
from tests.support.harness import Harness


def migration(
    harness: Harness, service: ServiceProcess, *arguments: str, seconds: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run it to its end; raises subprocess.TimeoutExpired after `seconds`."""
    return subprocess.run(
        [sys.executable, "-m", "producer_cli", *arguments],
        env=os.environ | harness.cli_environment(service),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
