"""The package, both commands and the image have one version."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.version import VERSION

ROOT = Path(__file__).parents[2]


def _run_and_read(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_package_has_version() -> None:
    assert _run_and_read("-m", "hatchling", "version").strip() == VERSION


@pytest.mark.parametrize(
    ("module", "name"), [("producer_cli", "migration"), ("consumer", "migration-consumer")]
)
def test_both_commands_print_version(module: str, name: str) -> None:
    assert _run_and_read("-m", module, "--version") == f"{name} {VERSION}\n"


def test_image_copies_folder_of_version() -> None:
    copied = re.findall(r"^COPY (\w+) ", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {"schemas", "consumer", "producer_cli"} <= set(copied)


def test_version_needs_no_settings() -> None:
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "consumer", "--version"]
    subprocess.run(command, env=bare, capture_output=True, timeout=60, check=True)
