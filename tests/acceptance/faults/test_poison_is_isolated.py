"""I9: a message or a file that nobody can take ends by itself, and everything else goes on beside it."""

import json
import signal
from functools import partial
from typing import Any

import pytest

from messaging.records import Outgoing, Record
from schemas.topics import DEAD_LETTERS, MESSAGE_BYTES, REQUESTS
from tests.acceptance.faults.conftest import BATCH_ROWS, CALM, FaultWorld
from tests.acceptance.test_bad_files import BAD
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge, past
from tests.support.line import reason
from tests.support.reference_tables import Directory
from tests.support.reference_workbook import load
from tests.support.resting import rested
from tests.support.wait import until

PHONE, SECRET = "+79161234567", "hunter2-of-the-old-database"
NEVER = f"seeded {PHONE} {SECRET}"
START: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "database", "connection": "unheard-of"},
}


def changed(**fields: Any) -> bytes:
    return json.dumps(START | fields, ensure_ascii=True).encode()


NOT_JSON: dict[str, bytes | None] = {
    "nothing": None,
    "empty": b"",
    "text": NEVER.encode(),
    "another encoding": f'{{"action": "запуск {NEVER}"}}'.encode("cp1251"),
    "half of it": changed(requested_by=NEVER)[:-2],
    "no number": b'{"action": NaN}',
    "an array 100,000 deep": b"[" * 100_000 + b"]" * 100_000,
    "an object 100,000 deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "as large as may be": (b'"' + NEVER.encode() * (MESSAGE_BYTES // len(NEVER)))[: MESSAGE_BYTES - 200],
}
INVALID: dict[str, bytes] = {
    "no object": json.dumps([NEVER]).encode(),
    "no action": changed(action=None),
    "more digits than a number may have": b'{"action": "start", "dataset": ' + b"9" * 5_000 + b"}",
    "an unknown action": changed(action=NEVER),
    "an unknown field": changed(**{PHONE: NEVER}),
    "no text": changed(requested_by={"name": NEVER}),
    "NUL": changed(requested_by=f"{NEVER}\x00"),
    "a lone surrogate": changed(requested_by=f"{NEVER}\ud800"),
    "an unknown kind of source": changed(source={"type": NEVER}),
    "an address for a connection": changed(
        source={"type": "database", "connection": f"postgresql://u:{SECRET}@h/{PHONE}"}
    ),
    "a number beyond all others": changed()[:-1] + b', "options": {"timeout_seconds": 1e999}}',
    "a huge number": changed(options={"max_attempts": 10**300}),
    "a wrong number": changed(options={"timeout_seconds": NEVER}),
    "the last of two keys is wrong": b'{"action": "cancel", ' + changed(action=NEVER)[1:],
}
POISON = NOT_JSON | INVALID


def test_what_lies_behind_a_message_that_nobody_can_take_is_taken(
    fault_world: FaultWorld, small_book: Book
) -> None:
    """All in one partition."""
    world = fault_world
    world.secrets += [SECRET]
    world.phones.add(PHONE[-10:])
    service = world.replica(**CALM, MIGRATION_MAX_RUNNING_JOBS="4")
    first = world.ask(small_book)
    unheard = changed(request_id=f"{first}-unheard-of")
    world.line.send([Outgoing(REQUESTS.name, first.encode(), value) for value in [*POISON.values(), unheard]])
    behind = {"request_id": f"{first}-behind", "source": {"type": "excel", "file": {"path": "few.xlsx"}}}
    world.line.publish(START | behind, key=first)
    world.expect(f"{first}-behind", small_book)
    goods = [first, f"{first}-behind"]
    for request_id in goods:
        world.until_status(request_id, "completed")
    letters = {letter.value: reason(letter) for letter in mine(world, first)}
    not_json: dict[bytes | None, str] = dict.fromkeys(NOT_JSON.values(), "not_json")
    assert letters == not_json | dict.fromkeys(INVALID.values(), "invalid_request")
    until(lambda: world.job(f"{first}-unheard-of")["status"] == "failed", 30, "the job to be refused")
    assert world.job(f"{first}-unheard-of")["error_code"] == "unknown_connection"
    assert world.rows.one("select count(*) from migration.jobs") == len(goods) + 1
    assert not service.logged("task.died")
    judge(world)


def mine(world: FaultWorld, key: str) -> list[Record]:
    """The dead letters with a key."""
    letters = past(world.bootstrap_servers, DEAD_LETTERS.name)
    return [letter for letter in letters if letter.key == key.encode()]


KILLERS = ["truncated", "zip bomb", "encrypted", "entity bomb"]


@pytest.mark.parametrize(
    ("kind", "signal_number", "times"), [("kill", signal.SIGKILL, 3), ("abort", signal.SIGABRT, 2)]
)
def test_a_file_that_ends_each_process_that_reads_it_fails_and_the_others_go_on(
    fault_world: FaultWorld, book: Book, small_book: Book, kind: str, signal_number: int, times: int
) -> None:
    """Every reading ends in its third chunk: files of one or two know nothing of it."""
    world = fault_world
    service = world.replica(
        f"child.chunk={kind}@3+",
        **CALM,
        MIGRATION_MAX_RUNNING_JOBS="3",
        MIGRATION_MAX_INFLATED_MB="200",
        MIGRATION_CHILD_MEMORY_MB="1024",
    )
    deadly = world.ask(book)
    bad = {name: bad_file(world, name) for name in KILLERS} if kind == "abort" else {}
    goods = [world.ask(small_book) for _ in range(3)]
    for request_id in goods:
        world.until_status(request_id, "completed")
    until(partial(failed, world, deadly), 60, "the deadly file to be given up")
    for name, request_id in bad.items():
        until(partial(failed, world, request_id), 60, f"the {name} file to be refused")
        assert world.job(request_id)["error_code"] == BAD[name][0]

    job = world.job(deadly)
    assert (job["error_code"], job["attempt"], job["checkpoint"]) == ("source_too_large", 1, 2 * BATCH_ROWS)
    deaths = [line["exit_code"] for line in service.logged("child.died") if line["job_id"] == job["id"]]
    assert deaths == [-signal_number] * times
    world.directory = Directory()
    load(world.directory, book.path, last=job["checkpoint"])
    load(world.directory, small_book.path)
    judge(world)


def bad_file(world: FaultWorld, name: str) -> str:
    """Ask for one of the files that are no workbook, or a hostile one."""
    path = world.inbox / f"{name}.xlsx"
    BAD[name][1](path)
    return world.line.start_excel(rested(path).name)


def failed(world: FaultWorld, request_id: str) -> bool:
    return bool(world.job(request_id).get("status") == "failed")


def test_a_job_that_ends_its_replica_each_time_fails_after_its_attempts(
    fault_world: FaultWorld, book: Book, small_book: Book
) -> None:
    world = fault_world
    first = world.replica("child.started=kill")
    deadly = world.ask(book, options={"max_attempts": 2})
    world.until_killed(first)
    world.until_killed(world.launch("child.started=kill"))
    good = world.ask(small_book)
    world.replica()
    world.until_status(good, "completed")
    until(partial(failed, world, deadly), 30, "the deadly job to be given up")
    job = world.job(deadly)
    assert (job["error_code"], job["attempt"], job["checkpoint"]) == ("worker_lost", 2, None)
    world.directory = small_book.directory
    judge(world)
