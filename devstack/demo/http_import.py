"""An import over HTTP as a user would run it: curl uploads the workbook, the job's URL shows its progress."""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from devstack.demo.cli import echo
from devstack.errors import StackError
from schemas.status import Status

TIMEOUT_SECONDS = 300.0
POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class HttpImport:
    """The HTTP side of the service at a URL."""

    url: str

    def import_workbook(self, workbook: Path) -> dict[str, Any]:
        """Upload a workbook, wait until its job completes, and return the job. Raises StackError."""
        job = self._upload(workbook)
        address = f"{self.url}/migration/jobs/{job['id']}"
        echo(f"→ 202, job {job['id']}: {job['status']}\n\n$ curl {address}")
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not Status(job["status"]).terminal:
            if time.monotonic() > deadline:
                raise StackError(f"The job did not end within {TIMEOUT_SECONDS:g} seconds.")
            time.sleep(POLL_SECONDS)
            job = httpx.get(address, trust_env=False).raise_for_status().json()
            echo(f"→ {job['status']}, {job['processed'] + job['failed']:,} of {job['total'] or 0:,} rows")
        if job["status"] != "completed":
            raise StackError(f"The import did not complete: {json.dumps(job['error'])}")
        return job

    def _upload(self, workbook: Path) -> dict[str, Any]:
        address = f"{self.url}/migration/excel"
        echo(f'\n$ curl -X POST {address} -F "file=@{workbook.name}"')
        if shutil.which("curl") is None:
            echo("(curl is not installed: the same request is sent by Python)")
            with workbook.open("rb") as file:
                response = httpx.post(address, files={"file": file}, timeout=TIMEOUT_SECONDS, trust_env=False)
            return _accepted_job(response.status_code, response.text)
        command = ["curl", "--silent", "--show-error", "--noproxy", "*", "-X", "POST", address]
        command += ["-F", f"file=@{workbook.name}", "--write-out", "\n%{http_code}"]
        completed = subprocess.run(command, cwd=workbook.parent, capture_output=True, text=True, check=False)
        if completed.returncode != 0:
            raise StackError(f"The upload failed: {completed.stderr.strip()}")
        body, _, status = completed.stdout.rpartition("\n")
        return _accepted_job(int(status), body)


def _accepted_job(status: int, body: str) -> dict[str, Any]:
    job: dict[str, Any] = json.loads(body)
    if status != 202 or job["id"] is None:
        raise StackError(f"The service responded with {status}: {body}")
    return job
