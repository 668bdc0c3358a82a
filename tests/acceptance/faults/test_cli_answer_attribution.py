"""The command shows the answer to its own message, never to an earlier one of somebody else."""

import json
import os
import subprocess
import sys

from schemas.topics import REQUESTS
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants, read_topic
from tests.support.wait import wait_until


def test_watch_ignores_terminal_event_of_earlier_request(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook, three_batch_workbook: GoldenWorkbook
) -> None:
    """The request of the command is published and not read yet when an earlier one with the same id
    completes.
    """
    harness = fault_harness
    first = harness.start_replica("intake.before_record=hang@2+")
    with harness.db.locked_table("directory.chats"):
        request_id = harness.request_import(one_batch_workbook)
        harness.wait_for_status(request_id, "running")
        words = [
            "start",
            "excel",
            str(three_batch_workbook.path),
            "--request-id",
            request_id,
            "--watch",
            "--json",
        ]
        command = subprocess.Popen(
            [sys.executable, "-m", "producer_cli", *words],
            env=os.environ | harness.cli_environment(first),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_until(lambda: message_count(harness, request_id) == 2, 60, "the second request to be published")
    assert harness.kafka.wait_for_terminal_event(request_id).status == "completed"
    assert not harness.dead_letter_reasons(request_id)

    first.kill()
    harness.start_replica()
    out, err = command.communicate(timeout=60)
    assert command.returncode == 2, err
    assert "request_id_reused" in err
    assert "completed" not in [json.loads(line).get("status") for line in out.splitlines()]
    assert_invariants(harness)


def message_count(harness: FaultHarness, request_id: str) -> int:
    """How many messages of a request there are."""
    return sum(
        record.key == request_id.encode() for record in read_topic(harness.bootstrap_servers, REQUESTS.name)
    )
