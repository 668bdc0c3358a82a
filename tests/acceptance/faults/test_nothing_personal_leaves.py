"""I13: whatever goes wrong, and however much is logged, no phone and no secret leaves the service."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from devstack.sheets.server import SheetsServer, Worksheet
from devstack.stack import Stack
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.cluster import Cluster, Login, proxied_cluster
from tests.support.faults.oracle import judge
from tests.support.faults.private import leaks
from tests.support.rows import Rows
from tests.support.service import Service
from tests.support.wait import until

SHEET = "1AbCdEfGhIjKlMnOpQrStUvWxYz"
HIDDEN = "1ZyXwVuTsRqPoNmLkJiHgFeDcBa"
LOGIN = Login("importer", "kafka-Geheimnis-1")
WRONG_KAFKA = "kafka-Geheimnis-2"
WRONG_POSTGRES = "postgres-Geheimnis-3"
WRONG_SOURCE = "source-Geheimnis-4"
TOLD = "told-Geheimnis-5"
PHONE = "9161230045"
"""The last ten digits of all phones that the test makes up."""

REFUSING = """
alter table directory.administrators add constraint odd check (phone not like '%5');
create function refuse() returns trigger language plpgsql as $$ begin
  raise exception 'no % here', new.phone using errcode = '22000', detail = 'the phone is ' || new.phone;
end $$;
create trigger refuse before insert on directory.administrators
  for each row when (new.phone like '%7') execute function refuse();
create unique index on directory.administrators (phone);
"""
"""Postgres quotes the value in the message, the detail, and the failing row."""
OLD = """
create table chats (id bigint primary key, inn text, name text, url text, admin_phone text, source text);
insert into chats values (1, '7707083893', 'one', 'https://max.ru/1', '+79161230045', null),
  (2, '+79161230045', 'two', 'https://max.ru/2', '+7 916 123-00-45 +79161230045', null);
"""


@pytest.fixture(scope="module")
def guarded() -> Iterator[Cluster]:
    """A broker that asks for a password."""
    with proxied_cluster(login=LOGIN) as cluster:
        yield cluster


@pytest.fixture
def google() -> Iterator[SheetsServer]:
    with SheetsServer() as server:
        yield server


@pytest.fixture
def world(stack: Stack, tmp_path: Path, guarded: Cluster, small_book: Book) -> Iterator[FaultWorld]:
    made = FaultWorld(stack, tmp_path, guarded)
    made.rows.run(REFUSING)
    made.phones = {PHONE, *small_book.phones}
    made.secrets += [LOGIN.password, WRONG_KAFKA, WRONG_POSTGRES, WRONG_SOURCE, TOLD]
    yield made
    made.close()


@pytest.fixture
def settings(world: FaultWorld, google: SheetsServer) -> Iterator[dict[str, str]]:
    """Connections and credentials, right ones and wrong ones."""
    account = google.new_account("robot")
    secret = account["private_key"].splitlines()[5]
    world.secrets.append(secret)
    cells: list[list[Any]] = [["ИНН", "КПП", "Ссылка", "Телефон"]]
    cells += [
        ["7707083893", "", "https://max.ru/3", "+79161230045"],
        ["+79161230045", "", "+79161230045", ""],
    ]
    google.add(SHEET, "Таблица", [Worksheet("Чаты", cells)], shared_with=[account["client_email"]])
    google.add(HIDDEN, "Чужая", [Worksheet("Чаты", cells)], shared_with=[])
    files = {"default": json.dumps(account), "broken": f"no JSON: {account['private_key']}"}
    files["other"] = json.dumps(account | {"private_key": f"-----BEGIN PRIVATE KEY-----\n{secret}"})
    for name, text in files.items():
        (world.folder / name).write_text(text)
    old = world.stack.create_database(f"{world.database}_old")
    Rows(old).run(OLD)
    password = urlsplit(old).password or ""
    connections = {"old": old, "wrong": old.replace(password, WRONG_SOURCE)}
    connections["odd"] = old + f"?sslmode={WRONG_SOURCE}"
    yield {
        **LOGIN.settings(),
        "MIGRATION_LOG_LEVEL": "DEBUG",
        "MIGRATION_CONNECTIONS": json.dumps(connections),
        "MIGRATION_GOOGLE_CREDENTIALS": json.dumps({name: str(world.folder / name) for name in files}),
        "MIGRATION_GOOGLE_API_URL": google.url,
    }
    world.stack.drop_database(f"{world.database}_old")


SOURCES: dict[str, dict[str, Any]] = {
    "rows": {"type": "database", "connection": "old"},
    "a wrong password": {"type": "database", "connection": "wrong"},
    "a wrong address": {"type": "database", "connection": "odd"},
    "no connection": {"type": "database", "connection": "nobody"},
    "no table": {"type": "database", "connection": "old", "table": "nowhere"},
    "no file": {"type": "excel", "file": {"path": "nowhere.xlsx"}},
    "a sheet": {"type": "google_sheets", "spreadsheet_id": SHEET},
    "no worksheet": {"type": "google_sheets", "spreadsheet_id": SHEET, "worksheet": "nowhere"},
    "not shared": {"type": "google_sheets", "spreadsheet_id": HIDDEN},
    "an unreadable key": {"type": "google_sheets", "spreadsheet_id": SHEET, "credentials": "broken"},
    "a broken key": {"type": "google_sheets", "spreadsheet_id": SHEET, "credentials": "other"},
}
MESSAGES: list[Any] = [
    b'{"request_id": "+79161230045", told-Geheimnis-5',
    {"request_id": "x-1", "action": "start", "password": TOLD, "phone": "+79161230045"},
    {
        "request_id": "x-2",
        "action": "start",
        "dataset": "nothing",
        "phone": "+79161230045",
        "source": SOURCES["rows"],
    },
    {"request_id": "x-3", "action": "start", "dataset": "chats", "source": {"type": f"postgres://{TOLD}"}},
]


def test_no_phone_and_no_secret_leaves_whatever_goes_wrong(
    world: FaultWorld, settings: dict[str, str], small_book: Book
) -> None:
    replica = world.replica(**settings)
    with world.rows.held("directory.chats"):
        world.line.start_excel(world.put(small_book))
        until(replica.children, 60, "a child")
        [child] = replica.children()[:1]
        seen = psutil.Process(child)
        assert_harmless(world, "the child's command line", str(seen.cmdline()))
        assert_harmless(world, "the child's environment", str(seen.environ()))
    wrong = [
        world.launch(**settings | {"KAFKA_SASL_PASSWORD": WRONG_KAFKA}),
        world.launch(**settings | {"DATABASE_URL": with_password(world.postgres.dsn, WRONG_POSTGRES)}),
    ]
    for source in SOURCES.values():
        world.line.start(source)
    for message in MESSAGES:
        world.line.publish(message)
    until(lambda: len(ended(world)) >= 1 + len(SOURCES), 120, "all jobs to end")
    until(lambda: letters(replica) >= len(MESSAGES), 60, "the dead letters")
    until(lambda: all(one.log.stat().st_size for one in wrong), 60, "a word of those that cannot begin")
    for path in ("/metrics", "/migration/jobs", "/readyz", "/healthz", *map(page, ended(world))):
        assert_harmless(world, path, httpx.get(replica.url + path, timeout=10).text)
    judge(world, target=False)


def with_password(dsn: str, password: str) -> str:
    """The same address with another password."""
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.username}:{password}@{parts.hostname}:{parts.port}").geturl()


def ended(world: FaultWorld) -> list[int]:
    """The jobs that have ended."""
    query = "select id from migration.jobs where status in ('completed', 'failed')"
    return [id_ for (id_,) in world.rows.ask(query)]


def page(job: int) -> str:
    return f"/migration/jobs/{job}"


def letters(replica: Service) -> int:
    """How many messages went to the dead letters."""
    return len(replica.logged("request.rejected"))


def assert_harmless(world: FaultWorld, where: str, text: str) -> None:
    assert leaks(where, text, world.phones, world.secrets) == []
