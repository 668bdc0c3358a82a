"""The command `migration` as a person would call it, and what it says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devstack.dev_environment import ROOT
from devstack.errors import StackError


def echo(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class MigrationCli:
    """`migration` with what it needs from the environment."""

    environment: Mapping[str, str]

    def start(self, request_id: str, *source: str, shown_source: str) -> None:
        """Start an import and watch it to its end; StackError when it does not complete."""
        echo(f"\n$ migration start {shown_source} --watch")
        arguments = ("start", *source, "--request-id", request_id, "--watch")
        done = subprocess.run(_command_line(*arguments), env=self._full_environment(), cwd=ROOT, check=False)
        if done.returncode != 0:
            raise StackError(
                f"The import did not complete: `migration start` ended with code {done.returncode}."
            )

    def status(self, request_id: str) -> dict[str, Any]:
        """The last status event of a request."""
        done = subprocess.run(
            _command_line("status", request_id, "--json"),
            env=self._full_environment(),
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _full_environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


def _command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "producer_cli", *arguments]
