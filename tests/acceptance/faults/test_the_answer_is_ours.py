"""What a person is told is the answer to what that person sent, not to what somebody else did before."""

import json
import os
import subprocess
import sys

from schemas.topics import REQUESTS
from tests.acceptance.faults.conftest import FaultWorld
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge, past
from tests.support.wait import until


def test_the_end_of_another_migration_is_not_told_while_our_request_lies_unread(
    fault_world: FaultWorld, small_book: Book, short_book: Book
) -> None:
    world = fault_world
    first = world.replica("intake.before_record=hang@2+")
    with world.rows.held("directory.chats"):
        request_id = world.ask(small_book)
        world.until_status(request_id, "running")
        words = ["start", "excel", str(short_book.path), "--request-id", request_id, "--watch", "--json"]
        command = subprocess.Popen(
            [sys.executable, "-m", "producer_cli", *words],
            env=os.environ | world.cli_environment(first),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: published(world, request_id) == 2, 60, "the second request to be published")
    assert world.line.ended(request_id).status == "completed"
    assert not world.dead_letters(request_id)

    first.kill()
    world.replica()
    out, err = command.communicate(timeout=60)
    assert command.returncode == 2, err
    assert "request_id_reused" in err
    assert "completed" not in [json.loads(line).get("status") for line in out.splitlines()]
    judge(world)


def published(world: FaultWorld, request_id: str) -> int:
    """How many messages of a request there are."""
    return sum(record.key == request_id.encode() for record in past(world.bootstrap_servers, REQUESTS.name))
