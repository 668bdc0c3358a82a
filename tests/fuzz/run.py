"""Runs schemathesis against a service with jobs, and evaluates the responses to valid POSTs."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack import ROOT

TIMEOUT_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class FuzzTarget:
    """A running service, the request id of an ended job, and two tokens, empty if it requires none."""

    url: str
    ended_job: str
    token: str = ""
    helper_token: str = ""


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """The result of a run: exit code and output of schemathesis, and all responses."""

    exit_code: int
    output: str
    responses: list[dict[str, Any]]

    @property
    def accepted(self) -> dict[str, tuple[int, int]]:
        """Operation → number of its valid POSTs with a 2xx response, and number of all its valid POSTs."""
        posts = [r for r in self.responses if r["method"] == "POST" and r["positive"]]
        total = Counter(post["operation"] for post in posts)
        accepted = Counter(post["operation"] for post in posts if 200 <= post["status"] < 300)
        return {operation: (accepted[operation], number) for operation, number in total.items()}

    @property
    def accepted_share(self) -> float:
        """The share of valid POSTs with a 2xx response."""
        counts = self.accepted.values()
        return sum(accepted for accepted, _ in counts) / max(sum(total for _, total in counts), 1)


def fuzz(target: FuzzTarget, folder: Path, *options: str, seed: int, show_output: bool = False) -> FuzzResult:
    """Run schemathesis with `schemathesis.toml` and `options`; `show_output` prints its output live.

    Raises subprocess.TimeoutExpired after TIMEOUT_SECONDS.
    """
    responses = folder / "responses.jsonl"
    responses.write_text("")
    environment = {
        **os.environ,
        "FUZZ_URL": target.url,
        "FUZZ_TOKEN": target.token or "none",
        "FUZZ_HELPER_TOKEN": target.helper_token,
        "FUZZ_ENDED_JOB": target.ended_job,
        "FUZZ_RESPONSES": str(responses),
        "NO_PROXY": "127.0.0.1",
    }
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--no-color"),
        *("--config-file", str(ROOT / "schemathesis.toml")),
        *("run", f"{target.url}/openapi.json", "--seed", str(seed), *options),
    ]
    completed = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        stdout=None if show_output else subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    lines = responses.read_text(encoding="utf-8").splitlines()
    output = (completed.stdout or b"").decode()
    return FuzzResult(completed.returncode, output, [json.loads(line) for line in lines])
