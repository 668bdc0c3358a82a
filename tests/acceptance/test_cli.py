"""The command `run_cli` against the whole service, as a person uses it."""

import json
import uuid
from functools import partial
from pathlib import Path

import pytest

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from tests.support.harness import Harness
from tests.support.migration_command import migration

run_cli = partial(migration, seconds=120)


@pytest.fixture(scope="module")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk") / "Чаты вузов.xlsx"


@pytest.fixture(scope="module")
def expected(workbook: Path) -> ExpectedImport:
    return make_workbook(workbook, rows=2_500, seed=51, invalid_share=0.08)


def test_start_uploads_file_and_watches_job_until_completed(
    harness: Harness, service: ServiceProcess, workbook: Path, expected: ExpectedImport, tmp_path: Path
) -> None:
    request_id = str(uuid.uuid4())
    words = ["start", "excel", str(workbook), "--request-id", request_id, "--watch", "--json"]
    done = run_cli(harness, service, *words)
    assert done.returncode == 0, done.stderr
    last = json.loads(done.stdout.splitlines()[-1])
    assert (last["status"], last["total"], last["failed"]) == ("completed", expected.total, expected.failed)
    assert last["source_identifier"] == workbook.name
    assert not list(harness.scratch.glob("*/*")), "what was fetched from Kafka is removed"

    again = run_cli(harness, service, *words)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["event_id"] == last["event_id"]
    assert harness.db.fetchval("select count(*) from migration.jobs where request_id = $1", request_id) == 1

    target = tmp_path / "rejected.csv"
    assert run_cli(harness, service, "errors", request_id, "--csv", str(target)).returncode == 0
    assert len(target.read_text(encoding="utf-8-sig").splitlines()) == expected.failed + 1

    shown = run_cli(harness, service, "status", request_id)
    assert shown.returncode == 0
    assert "completed" in shown.stdout


def test_failed_import_prints_its_code_and_exits_with_1(
    harness: Harness, service: ServiceProcess, tmp_path: Path
) -> None:
    path = tmp_path / "text.xlsx"
    path.write_text("no workbook")
    done = run_cli(harness, service, "start", "excel", str(path), "--watch")
    assert done.returncode == 1
    assert "not_a_workbook" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_rejected_request_ends_watch_with_its_reason(
    harness: Harness, service: ServiceProcess, workbook: Path, expected: ExpectedImport, tmp_path: Path
) -> None:
    request_id = str(uuid.uuid4())
    assert (
        run_cli(harness, service, "start", "excel", str(workbook), "--request-id", request_id).returncode == 0
    )
    other = tmp_path / "other.xlsx"
    make_workbook(other, rows=20, seed=52)
    done = run_cli(harness, service, "start", "excel", str(other), "--request-id", request_id, "--watch")
    assert done.returncode == 2
    assert "belongs to another" in done.stdout + done.stderr
