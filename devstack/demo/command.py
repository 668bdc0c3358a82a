"""The command `migration` as a person would call it, and what it says."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devstack.checkout import ROOT
from devstack.errors import StackError


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


@dataclass(frozen=True, slots=True)
class Command:
    """`migration` with what it needs from the environment."""

    environment: Mapping[str, str]

    def start(self, request_id: str, *source: str, shown: str) -> None:
        """Start an import and watch it to its end; StackError when it does not complete."""
        say(f"\n$ migration start {shown} --watch")
        arguments = ("start", *source, "--request-id", request_id, "--watch")
        done = subprocess.run(_line(*arguments), env=self._all(), cwd=ROOT, check=False)
        if done.returncode != 0:
            raise StackError(
                f"The import did not complete: `migration start` ended with code {done.returncode}."
            )

    def status(self, request_id: str) -> dict[str, Any]:
        """The last status event of a request."""
        done = subprocess.run(
            _line("status", request_id, "--json"), env=self._all(), cwd=ROOT, check=True, capture_output=True
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _all(self) -> dict[str, str]:
        return {**os.environ, **self.environment}


def _line(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "producer_cli", *arguments]
