"""Runs schemathesis against a service that has jobs, and counts what valid POSTs were answered."""

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
    """A running service, the request id of a job on it that has ended, and two tokens, empty for none."""

    url: str
    ended_job: str
    token: str = ""
    helper_token: str = ""


@dataclass(frozen=True, slots=True)
class FuzzResult:
    """What became of a run: the exit code of schemathesis, its output, every answer."""

    exit_code: int
    output: str
    responses: list[dict[str, Any]]

    @property
    def accepted(self) -> dict[str, tuple[int, int]]:
        """Operation → how many of its valid POSTs were answered 2xx, and how many there were."""
        posts = [one for one in self.responses if one["method"] == "POST" and one["positive"]]
        total = Counter(one["operation"] for one in posts)
        good = Counter(one["operation"] for one in posts if 200 <= one["status"] < 300)
        return {name: (good[name], number) for name, number in total.items()}

    @property
    def accepted_share(self) -> float:
        """The share of valid POSTs that were answered 2xx."""
        counts = self.accepted.values()
        return sum(good for good, _ in counts) / max(sum(number for _, number in counts), 1)


def fuzz(target: FuzzTarget, folder: Path, *options: str, seed: int, show_output: bool = False) -> FuzzResult:
    """Run what `schemathesis.toml` says; `options` change that, `live` shows the output as it comes.

    Raises subprocess.TimeoutExpired after TIMEOUT_SECONDS.
    """
    answers = folder / "answers.jsonl"
    answers.write_text("")
    environment = {
        **os.environ,
        "FUZZ_URL": target.url,
        "FUZZ_TOKEN": target.token or "none",
        "FUZZ_HELPER_TOKEN": target.helper_token,
        "FUZZ_ENDED_JOB": target.ended_job,
        "FUZZ_RESPONSES": str(answers),
        "NO_PROXY": "127.0.0.1",
    }
    command = [
        *(str(Path(sys.executable).parent / "schemathesis"), "--no-color"),
        *("--config-file", str(ROOT / "schemathesis.toml")),
        *("run", f"{target.url}/openapi.json", "--seed", str(seed), *options),
    ]
    ran = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        stdout=None if show_output else subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    lines = answers.read_text(encoding="utf-8").splitlines()
    return FuzzResult(ran.returncode, (ran.stdout or b"").decode(), [json.loads(line) for line in lines])
