"""The command `migration` of the demo, as a user would run it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devstack import ROOT
from devstack.errors import StackError


def echo(line: str) -> None:
    """Print and flush, so that output to a pipe appears at once, too."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class MigrationCli:
    """Runs `migration` with the given settings in its environment."""

    environment: Mapping[str, str]

    def start(self, request_id: str, *source: str, shown_source: str) -> None:
        """Start an import and watch it until it ends. Raises StackError when it does not complete."""
        echo(f"\n$ migration start {shown_source} --watch")
        arguments = ("start", *source, "--request-id", request_id, "--watch")
        completed = subprocess.run(
            _command_line(*arguments), env=self._full_environment(), cwd=ROOT, check=False
        )
        if completed.returncode != 0:
            raise StackError(
                f"The import did not complete: `migration start` ended with code {completed.returncode}."
            )

    def status(self, request_id: str) -> dict[str, Any]:
        """The last status event of a request, from `migration status --json`."""
        completed = subprocess.run(
            _command_line("status", request_id, "--json"),
            env=self._full_environment(),
            cwd=ROOT,
            check=True,
            capture_output=True,
        )
        event: dict[str, Any] = json.loads(completed.stdout)
        return event

    def _full_environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


def _command_line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "producer_cli", *arguments]
