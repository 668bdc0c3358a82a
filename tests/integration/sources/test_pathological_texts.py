"""Every rule and every reader takes linear time for any text."""

import subprocess
import sys

import pytest

from tests.support.doc_pages import ROOT

MOST_SECONDS = 1.0
"""A million characters take 0.2 s at most; quadratic code would take minutes."""


@pytest.mark.parametrize("what", ["rules", "readers"])
def test_no_rule_or_reader_takes_quadratic_time(what: str) -> None:
    command = (sys.executable, "-m", "tests.support.pathological_texts", what)
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    lines = found.stdout.splitlines()
    assert found.returncode == 0, f"ended by {found.returncode} behind {lines[-1:]} {found.stderr[-500:]}"
    assert lines
    assert [line for line in lines if float(line.split()[-1]) > MOST_SECONDS] == []
