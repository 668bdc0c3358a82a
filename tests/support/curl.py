"""Runs the command `curl` against the service."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.wait import wait_until

UPLOADED_ROWS = 155_000
"""Rows of the workbook `chats.xlsx` that tests upload."""
TIMEOUT_SECONDS = 120
JOB_TIMEOUT_SECONDS = 60
TERMINAL = {"completed", "failed", "cancelled"}
SEPARATOR = "\n--status--\n"


@dataclass(frozen=True, slots=True)
class CurlResponse:
    """A response as printed by curl."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        document: dict[str, Any] = json.loads(self.body)
        return document


def parse_output(output: str) -> CurlResponse:
    """Parse the output of a successful curl."""
    body, _, rest = output.rpartition(SEPARATOR)
    status, _, headers = rest.partition("\n")
    return CurlResponse(int(status), {k: v[-1] for k, v in json.loads(headers).items()}, body)


class CurlProcess:
    """A running curl."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    @property
    def read_bytes(self) -> int:
        """Bytes read so far by the kernel's count: its libraries, then the file it sends."""
        lines = Path(f"/proc/{self._process.pid}/io").read_text().splitlines()
        return int(dict(line.split(": ") for line in lines)["rchar"])

    def response(self, seconds: float = TIMEOUT_SECONDS) -> CurlResponse:
        """Wait for its end and return the response; fails if curl failed."""
        code, out, err = self.wait(seconds)
        assert code == 0, f"curl ended with {code}: {err}"
        return parse_output(out)

    def wait(self, seconds: float = TIMEOUT_SECONDS) -> tuple[int, str, str]:
        """Wait for its end; returns exit code, standard output and standard error."""
        try:
            out, err = self._process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        return self._process.returncode, out, err

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.communicate()


class Curl:
    """Runs curl in a folder against one service; skips the test if curl is not installed."""

    def __init__(self, url: str, folder: Path) -> None:
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")
        self._url = url
        self._folder = folder

    def get(self, path: str, *options: str) -> CurlResponse:
        """GET."""
        return self._call(path, *options)

    def post(self, path: str, *options: str) -> CurlResponse:
        """POST; the options contain the body."""
        return self._call(path, "-X", "POST", *options)

    def wait_for_end(self, job: object, seconds: float = JOB_TIMEOUT_SECONDS) -> dict[str, Any]:
        """GET a job until it has ended; returns it."""

        def ended() -> dict[str, Any]:
            found = self.get(f"/migration/jobs/{job}").json
            return found if found["status"] in TERMINAL else {}

        return wait_until(ended, seconds, f"job {job} to end")

    def start_post(self, path: str, *options: str) -> CurlProcess:
        """POST without waiting for the end; call `response` or `kill` on the result."""
        return CurlProcess(self._start(path, "-X", "POST", *options))

    def _call(self, path: str, *options: str) -> CurlResponse:
        return CurlProcess(self._start(path, *options)).response()

    def _start(self, path: str, *options: str) -> "subprocess.Popen[str]":
        write_out = ["--write-out", f"{SEPARATOR}%{{http_code}}\n%{{header_json}}"]
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", *write_out, *options]
        return subprocess.Popen(
            [*command, f"{self._url}{path}"],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
