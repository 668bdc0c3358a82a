"""The demo, with a small workbook."""

import os
import re
import subprocess
import sys

import pytest

from devstack import ROOT

LIMIT = 240


def test_demo_imports_its_three_sources_exactly() -> None:
    done = _demo("--rows", "2000")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "DIFFERS" not in done.stdout
    assert re.search(r"Its page, until the demo ends: http://127\.0\.0\.1:\d+\n", done.stdout)
    assert (
        done.stdout.rstrip()
        .splitlines()[-1]
        .endswith("`make up` starts it, leaves it running, and prints its address.")
    )
    assert re.search(r"\$ curl -X POST http://\S+/migration/excel -F", done.stdout)
    assert re.search(r"→ 202, job 1: pending|→ 202, job 1: running", done.stdout)
    assert re.search(r"the right rows were rejected +yes", done.stdout)
    assert re.search(r"the same workbook again(.|\n)*?inserted +0 +0\n", done.stdout)
    assert re.search(r"chats tagged admin_panel +5,760 +5,760\n", done.stdout)
    assert re.search(r"chats tagged bot_registrar +1,920 +1,920\n", done.stdout)


def test_demo_prints_one_line_when_it_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    done = _demo("--stack", "external")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "needs KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL" in done.stderr


def _demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "devstack.demo", *arguments],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
