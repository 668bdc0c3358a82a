"""`migration-consumer doctor` looks at everything a request can name, and says what is wrong with it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from devstack.fake_sheets.server import FakeSheetsServer
from tests.support.harness import Harness


@pytest.fixture
def fake_sheets() -> Iterator[FakeSheetsServer]:
    with FakeSheetsServer() as server:
        yield server


def run_doctor(harness: Harness, **overrides: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "consumer", "doctor"],
        env=os.environ | harness.environment(**overrides),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_doctor_checks_every_connection_and_credential(
    harness: Harness, fake_sheets: FakeSheetsServer
) -> None:
    known = fake_sheets.new_account("known")
    fired = fake_sheets.new_account("fired")
    fake_sheets.remove_account(fired["client_email"])
    keys = {"default": known, "fired": fired}
    for name, account in keys.items():
        (harness.folder / f"{name}.json").write_text(json.dumps(account))
    paths = {name: str(harness.folder / f"{name}.json") for name in [*keys, "missing"]}
    odd = "postgresql://u:hush@h/db?sslmode=nonsense"
    nowhere = harness.stack.database_url_for("there_is_no_such_database")
    found = run_doctor(
        harness,
        MIGRATION_CONNECTIONS=json.dumps({"old": harness.dsn, "gone": nowhere, "odd": odd}),
        MIGRATION_GOOGLE_CREDENTIALS=json.dumps(paths),
        MIGRATION_GOOGLE_API_URL=fake_sheets.url,
    )
    lines = {line.split(" ", 1)[1].strip().partition(":")[0]: line for line in found.stdout.splitlines()}
    assert found.returncode == 1, found.stdout + found.stderr
    assert lines["connection «old»"].startswith("ok ")
    assert "database_not_found" in lines["connection «gone»"]
    assert "wrong_connection" in lines["connection «odd»"]
    assert lines["credentials «default»"].startswith("ok ")
    assert known["client_email"] in lines["credentials «default»"]
    assert "wrong_credentials" in lines["credentials «fired»"]
    assert "wrong_credentials" in lines["credentials «missing»"]
    assert "hush" not in found.stdout + found.stderr
    assert "Traceback" not in found.stderr
