"""What a service counts while it works is what it did."""

import uuid

import httpx

from benchmarks.report import lag_line
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from schemas.version import VERSION
from tests.support.harness import Harness
from tests.support.wait import wait_until

PREFIX = "chat_migration_"


def _text(service: ServiceProcess) -> str:
    return httpx.get(f"{service.url}/metrics", timeout=5).text


def _values(service: ServiceProcess) -> dict[str, float]:
    lines = (line.rpartition(" ") for line in _text(service).splitlines() if not line.startswith("#"))
    return {name.removeprefix(PREFIX): float(value) for name, _, value in lines}


def test_import_and_rejected_message_are_counted(harness: Harness) -> None:
    expected = make_workbook(harness.inbox / "counted.xlsx", rows=1_000, seed=3, invalid_share=0.1)
    service = harness.start_replica(MIGRATION_BATCH_ROWS="300")
    ended = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("counted.xlsx"))
    harness.kafka.publish(f"no json {uuid.uuid4()}".encode())

    def settled() -> bool:
        values = _values(service)
        rejected = values['requests_rejected_total{reason="not_json"}']
        return rejected == 1 and values["outbox_pending_events"] == values["jobs_running"] == 0

    wait_until(settled, 60, "the message to be rejected and all events to be published")
    values = _values(service)
    rows = {name: values[f'rows_total{{outcome="{name}"}}'] for name in ("inserted", "duplicates", "failed")}
    wanted = {"inserted": expected.inserted, "duplicates": expected.duplicates, "failed": expected.failed}
    assert rows == wanted
    assert values["batch_seconds_count"] == 4
    assert values["claims_total"] == values['requests_recorded_total{kind="started"}'] == 1
    assert values['jobs{status="completed"}'] == 1
    assert values["events_published_total"] >= ended.sequence
    assert values["rescues_total"] == values["leases_lost_total"] == values["rate_limit_waits_total"] == 0
    tasks = ("events", "intake", "listener", "relay", "retention", "worker")
    assert {name for name in values if name.startswith("task_")} == {
        f'task_seconds_since_progress{{task="{task}"}}' for task in tasks
    }
    [began] = service.log_events("service.started")
    assert (began["version"], values[f'build_info{{version="{VERSION}"}}']) == (VERSION, 1)
    assert "event_loop_lag_seconds_max" in lag_line(_text(service))
    assert began["frozen_objects"] > 10_000  # they would hold up the event loop at each full collection
    service.stop()
