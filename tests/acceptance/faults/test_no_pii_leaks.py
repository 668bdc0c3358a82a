"""I13: whatever goes wrong, and however much is logged, no phone and no secret leaves the service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from devstack.fake_sheets.server import FakeSheetsServer, FakeWorksheet
from devstack.service import ServiceProcess
from devstack.stack import Stack
from tests.support.database_inspector import DatabaseInspector
from tests.support.faults.cluster import Cluster, SaslLogin, proxied_cluster
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.pii_scan import find_leaks
from tests.support.wait import wait_until

SHEET = "1AbCdEfGhIjKlMnOpQrStUvWxYz"
UNSHARED_SHEET = "1ZyXwVuTsRqPoNmLkJiHgFeDcBa"
LOGIN = SaslLogin("importer", "kafka-Geheimnis-1")
WRONG_KAFKA = "kafka-Geheimnis-2"
WRONG_POSTGRES = "postgres-Geheimnis-3"
WRONG_SOURCE = "source-Geheimnis-4"
MESSAGE_SECRET = "text-Geheimnis-5"
PHONE = "9161230045"
"""The last ten digits of all phones that the test makes up."""

ADD_FAILING_CONSTRAINTS = """
alter table directory.administrators add constraint odd check (phone not like '%5');
create function refuse() returns trigger language plpgsql as $$ begin
  raise exception 'no % here', new.phone using errcode = '22000', detail = 'the phone is ' || new.phone;
end $$;
create trigger refuse before insert on directory.administrators
  for each row when (new.phone like '%7') execute function refuse();
create unique index on directory.administrators (phone);
"""
"""Postgres quotes the value in the message, the detail, and the failing row."""
OLD_TABLE = """
create table chats (id bigint primary key, inn text, name text, url text, admin_phone text, source text);
insert into chats values (1, '7707083893', 'one', 'https://max.ru/1', '+79161230045', null),
  (2, '+79161230045', 'two', 'https://max.ru/2', '+7 916 123-00-45 +79161230045', null);
"""


@pytest.fixture(scope="module")
def sasl_cluster() -> Iterator[Cluster]:
    """A broker that asks for a password."""
    with proxied_cluster(login=LOGIN) as cluster:
        yield cluster


@pytest.fixture
def fake_sheets() -> Iterator[FakeSheetsServer]:
    with FakeSheetsServer() as server:
        yield server


@pytest.fixture
def harness(
    stack: Stack, tmp_path: Path, sasl_cluster: Cluster, one_batch_workbook: GoldenWorkbook
) -> Iterator[FaultHarness]:
    made = FaultHarness(stack, tmp_path, sasl_cluster)
    made.db.execute(ADD_FAILING_CONSTRAINTS)
    made.phones = {PHONE, *one_batch_workbook.phones}
    made.secrets += [LOGIN.password, WRONG_KAFKA, WRONG_POSTGRES, WRONG_SOURCE, MESSAGE_SECRET]
    yield made
    made.close()


@pytest.fixture
def settings(harness: FaultHarness, fake_sheets: FakeSheetsServer) -> Iterator[dict[str, str]]:
    """Connections and credentials, right ones and wrong ones."""
    account = fake_sheets.new_account("robot")
    secret = account["private_key"].splitlines()[5]
    harness.secrets.append(secret)
    cells: list[list[Any]] = [["ИНН", "КПП", "Ссылка", "Телефон"]]
    cells += [
        ["7707083893", "", "https://max.ru/3", "+79161230045"],
        ["+79161230045", "", "+79161230045", ""],
    ]
    fake_sheets.add_spreadsheet(
        SHEET, "Таблица", [FakeWorksheet("Чаты", cells)], shared_with=[account["client_email"]]
    )
    fake_sheets.add_spreadsheet(UNSHARED_SHEET, "Чужая", [FakeWorksheet("Чаты", cells)], shared_with=[])
    files = {"default": json.dumps(account), "broken": f"no JSON: {account['private_key']}"}
    files["other"] = json.dumps(account | {"private_key": f"-----BEGIN PRIVATE KEY-----\n{secret}"})
    for name, text in files.items():
        (harness.folder / name).write_text(text)
    old = harness.stack.create_database(f"{harness.database_name}_old")
    DatabaseInspector(old).execute(OLD_TABLE)
    password = urlsplit(old).password or ""
    connections = {"old": old, "wrong": old.replace(password, WRONG_SOURCE)}
    connections["odd"] = old + f"?sslmode={WRONG_SOURCE}"
    yield {
        **LOGIN.environment(),
        "MIGRATION_LOG_LEVEL": "DEBUG",
        "MIGRATION_CONNECTIONS": json.dumps(connections),
        "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({name: str(harness.folder / name) for name in files}),
        "MIGRATION_GOOGLE_API_URL": fake_sheets.url,
    }
    harness.stack.drop_database(f"{harness.database_name}_old")


SOURCES: dict[str, dict[str, Any]] = {
    "rows": {"type": "database", "connection": "old"},
    "a wrong password": {"type": "database", "connection": "wrong"},
    "a wrong address": {"type": "database", "connection": "odd"},
    "no connection": {"type": "database", "connection": "unknown"},
    "no table": {"type": "database", "connection": "old", "table": "nowhere"},
    "no file": {"type": "excel", "file": {"path": "nowhere.xlsx"}},
    "a sheet": {"type": "google_sheets", "spreadsheet_id": SHEET},
    "no worksheet": {"type": "google_sheets", "spreadsheet_id": SHEET, "worksheet": "nowhere"},
    "not shared": {"type": "google_sheets", "spreadsheet_id": UNSHARED_SHEET},
    "an unreadable key": {"type": "google_sheets", "spreadsheet_id": SHEET, "credentials": "broken"},
    "a broken key": {"type": "google_sheets", "spreadsheet_id": SHEET, "credentials": "other"},
}
MESSAGES: list[Any] = [
    b'{"request_id": "+79161230045", text-Geheimnis-5',
    {"request_id": "x-1", "action": "start", "password": MESSAGE_SECRET, "phone": "+79161230045"},
    {
        "request_id": "x-2",
        "action": "start",
        "dataset": "nothing",
        "phone": "+79161230045",
        "source": SOURCES["rows"],
    },
    {
        "request_id": "x-3",
        "action": "start",
        "dataset": "chats",
        "source": {"type": f"postgres://{MESSAGE_SECRET}"},
    },
]


def test_errors_leak_no_phone_and_no_secret(
    harness: FaultHarness, settings: dict[str, str], one_batch_workbook: GoldenWorkbook
) -> None:
    # More batches than may be on their way: the child waits while the first one does.
    replica = harness.start_replica(**settings | {"MIGRATION_BATCH_ROWS": "50"})
    with harness.db.locked_table("directory.chats"):
        harness.kafka.start_excel(harness.add_to_inbox(one_batch_workbook))
        wait_until(replica.child_pids, 60, "a child")
        [child] = replica.child_pids()[:1]
        seen = psutil.Process(child)
        assert_harmless(harness, "the child's command line", str(seen.cmdline()))
        assert_harmless(harness, "the child's environment", str(seen.environ()))
    wrong = [
        harness.launch(**settings | {"KAFKA_SASL_PASSWORD": WRONG_KAFKA}),
        harness.launch(
            **settings | {"DATABASE_URL": with_password(harness.postgres_proxy.dsn, WRONG_POSTGRES)}
        ),
    ]
    for source in SOURCES.values():
        harness.kafka.start(source)
    for message in MESSAGES:
        harness.kafka.publish(message)
    wait_until(lambda: len(ended_jobs(harness)) >= 1 + len(SOURCES), 120, "all jobs to end")
    wait_until(lambda: dead_letter_count(replica) >= len(MESSAGES), 60, "the dead letters")
    wait_until(
        lambda: all(process.log.stat().st_size for process in wrong), 60, "a word of those that cannot begin"
    )
    for path in ("/metrics", "/migration/jobs", "/readyz", "/healthz", *map(job_path, ended_jobs(harness))):
        assert_harmless(harness, path, httpx.get(replica.url + path, timeout=10).text)
    assert_invariants(harness, check_target=False)


def with_password(dsn: str, password: str) -> str:
    """The same address with another password."""
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()


def ended_jobs(harness: FaultHarness) -> list[int]:
    """The jobs that have ended."""
    query = "select id from migration.jobs where status in ('completed', 'failed')"
    return [id_ for (id_,) in harness.db.fetch(query)]


def job_path(job: int) -> str:
    return f"/migration/jobs/{job}"


def dead_letter_count(replica: ServiceProcess) -> int:
    """How many messages went to the dead letters."""
    return len(replica.log_events("request.rejected"))


def assert_harmless(harness: FaultHarness, where: str, text: str) -> None:
    assert find_leaks(where, text, harness.phones, harness.secrets) == []
