"""`migration-consumer doctor` looks at everything a request can name, and says what is wrong with it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from devstack.sheets.server import SheetsServer
from tests.acceptance.conftest import World


@pytest.fixture
def google() -> Iterator[SheetsServer]:
    with SheetsServer() as server:
        yield server


def doctor(world: World, **told: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "consumer", "doctor"],
        env=os.environ | world.environment(**told),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_connection_and_credential_is_looked_at(world: World, google: SheetsServer) -> None:
    known = google.new_account("known")
    fired = google.new_account("fired")
    google.remove_account(fired["client_email"])
    keys = {"default": known, "fired": fired}
    for name, account in keys.items():
        (world.folder / f"{name}.json").write_text(json.dumps(account))
    paths = {name: str(world.folder / f"{name}.json") for name in [*keys, "missing"]}
    odd = "postgresql://u:hush@h/db?sslmode=nonsense"
    nowhere = world.stack.database_address("there_is_no_such_database")
    found = doctor(
        world,
        MIGRATION_CONNECTIONS=json.dumps({"old": world.dsn, "gone": nowhere, "odd": odd}),
        MIGRATION_GOOGLE_CREDENTIALS=json.dumps(paths),
        MIGRATION_GOOGLE_API_URL=google.url,
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
