"""The command `curl`, as people use it against the service."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

LIMIT_SECONDS = 120
SEPARATOR = "\n--status--\n"


@dataclass(frozen=True, slots=True)
class CurlResponse:
    """What curl shows of an answer."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Curl:
    """curl, called in a folder of its own against one service."""

    def __init__(self, url: str, folder: Path) -> None:
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        self._url = url
        self._folder = folder

    def get(self, path: str, *options: str) -> CurlResponse:
        """GET."""
        return self._call(path, *options)

    def post(self, path: str, *options: str) -> CurlResponse:
        """POST; the body is among the options."""
        return self._call(path, "-X", "POST", *options)

    def begin(self, path: str, *options: str) -> "subprocess.Popen[bytes]":
        """POST, and do not wait for its end."""
        return subprocess.Popen(
            self._line(path, "-X", "POST", *options),
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _call(self, path: str, *options: str) -> CurlResponse:
        shown = ["--write-out", f"{SEPARATOR}%{{http_code}}\n%{{header_json}}"]
        done = subprocess.run(
            self._line(path, *shown, *options),
            cwd=self._folder,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"curl ended with {done.returncode}: {done.stderr}"
        body, _, rest = done.stdout.rpartition(SEPARATOR)
        status, _, headers = rest.partition("\n")
        return CurlResponse(int(status), {k: v[-1] for k, v in json.loads(headers).items()}, body)

    def _line(self, path: str, *options: str) -> list[str]:
        return ["curl", "--silent", "--show-error", "--noproxy", "*", *options, f"{self._url}{path}"]
