"""One message without bound harms nothing but itself: neither the status of other jobs nor the service."""

import asyncio
import json
import uuid
from typing import Any

import httpx
import psutil
import pytest

from devstack.service import ServiceProcess
from messaging.records import Record
from messaging.subscription import Subscription
from schemas import cloudevents
from schemas.examples import STATUS as EXAMPLE
from schemas.status import Status, StatusEvent
from schemas.text import MAX_MESSAGE_CHARS
from schemas.topics import STATUS
from tests.support.harness import Harness
from tests.support.wait import wait_until
from tests.support.workbooks import HEADER, data_rows, raw_xlsx, rename_sheet, text_row, write_xlsx

LARGE_EVENTS = 600
# $1 beginning of the request ids, $2 how many, $3 the event, $4 what is repeated in its message.
INSERT_EVENTS = """
insert into migration.outbox (request_id, sequence, event_id, payload)
select request_id, 1, id, replace(replace(replace($3, 'REQUEST', request_id), 'EVENT', id::text), 'LONG', $4)
from (select $1::text || n as request_id, gen_random_uuid() as id from generate_series(1, $2::integer) n) made
"""


def _metrics(service: ServiceProcess) -> dict[str, float]:
    text = httpx.get(f"{service.url}/metrics", timeout=5).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name.removeprefix("chat_migration_"): float(value) for name, _, value in lines}


def _insert_events(harness: Harness, request_id: str, *, count: int, message: str) -> None:
    """Unsent events as the version before left them, which stored messages of any length."""
    body: dict[str, Any] = StatusEvent.model_validate(EXAMPLE).model_dump(mode="json")
    error = {"code": "sheet_not_found", "message": "Wrong. LONG Do this."}
    body |= {"request_id": "REQUEST", "event_id": "EVENT", "status": "failed", "error": error}
    harness.db.fetch(INSERT_EVENTS, request_id, count, json.dumps(body), message)


def _record(harness: Harness, request_id: str) -> Record:
    """The first message on the status topic with this key."""

    async def look() -> Record:
        async with asyncio.timeout(60):
            connection = harness.kafka.connection
            async with await Subscription.open(connection, STATUS.name, key=request_id) as subscription:
                while True:
                    for record in await subscription.poll():
                        return record

    return asyncio.run(look())


@pytest.mark.parametrize("name", ["x" * 1_100_000, "\ue000" * 370_000, '<sheet name="' * 80_000])
def test_very_long_sheet_name_makes_short_message(
    harness: Harness, service: ServiceProcess, name: str
) -> None:
    path = rename_sheet(write_xlsx(harness.inbox / "long.xlsx", [HEADER, *data_rows(3)]), name)
    assert path.stat().st_size < 16_000
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(path.name, sheet="Нет такого"))
    assert event.error is not None
    assert event.error.code == "sheet_not_found"
    assert len(event.error.message) <= MAX_MESSAGE_CHARS
    assert event.error.message.endswith("may be written as it is shown.")
    page = httpx.get(f"{service.url}/migration/jobs?limit=500", timeout=10)
    assert len(page.content) < 100_000
    assert psutil.Process(service.pid).memory_info().rss < 200 * 2**20


def test_many_long_sheet_names_make_short_message(harness: Harness, service: ServiceProcess) -> None:
    sheets = "".join(f'<sheet name="{n}{"&#xE000;" * 90}" sheetId="{n}" r:id="rId1"/>' for n in range(2, 40))
    path = raw_xlsx(harness.inbox / "many.xlsx", text_row(1, *HEADER), sheets=sheets)
    event = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel(path.name, sheet="Нет такого"))
    assert event.error is not None
    assert (event.error.code, len(event.error.message)) == ("sheet_not_found", MAX_MESSAGE_CHARS)
    assert "Чаты" in event.error.message
    assert event.error.message.endswith("may be written as it is shown.")


def test_oversized_events_are_shortened_and_block_no_others(
    harness: Harness, service: ServiceProcess
) -> None:
    """600 of them, more than a page of the relay has events: 660 MB that want to be sent."""
    before = _metrics(service)["events_shortened_total"]
    _insert_events(harness, "large-", count=LARGE_EVENTS, message="x" * 1_100_000)
    write_xlsx(harness.inbox / "good.xlsx", [HEADER, *data_rows(50)])
    good = harness.kafka.wait_for_terminal_event(harness.kafka.start_excel("good.xlsx"), seconds=120)
    assert good.status is Status.COMPLETED
    wait_until(lambda: _metrics(service)["outbox_pending_events"] == 0, 60, "all events to be sent")

    record = _record(harness, f"large-{LARGE_EVENTS}")
    event = StatusEvent.model_validate_json(record.value or b"")
    assert event.status is Status.FAILED
    assert event.error is not None
    assert (len(event.error.message), event.error.message[-9:]) == (MAX_MESSAGE_CHARS, " Do this.")
    assert dict(record.headers)[cloudevents.SHORTENED_HEADER] == b"true"
    assert _metrics(service)["events_shortened_total"] - before == LARGE_EVENTS
    assert psutil.Process(service.pid).memory_info().rss < 300 * 2**20
    assert httpx.get(f"{service.url}/readyz", timeout=5).status_code == 200


def test_unpublishable_event_makes_service_unready_and_blocks_no_others(
    harness: Harness, service: ServiceProcess
) -> None:
    """Its key alone is too large, which no request can bring about; taken out of the outbox, all is well."""
    _insert_events(harness, "k" * 2_000_000, count=1, message="")
    good = harness.kafka.wait_for_terminal_event(
        harness.kafka.start_excel("good.xlsx", request_id=str(uuid.uuid4()))
    )
    assert good.status is Status.COMPLETED, "the order of other jobs does not depend on it"
    assert httpx.get(f"{service.url}/readyz", timeout=5).status_code == 200

    def red() -> bool:
        return httpx.get(f"{service.url}/readyz", timeout=5).status_code == 503

    wait_until(red, 90, "readiness to turn red")
    waiting_for = httpx.get(f"{service.url}/readyz", timeout=5).json()["waiting_for"]
    assert list(waiting_for) == ["outbox"]
    assert "the outbox has not moved for" in waiting_for["outbox"]
    assert _metrics(service)["outbox_head_unchanged_seconds"] >= 60
    assert httpx.get(f"{service.url}/healthz", timeout=5).status_code == 200
    harness.db.execute("delete from migration.outbox where length(request_id) > 1000")
    wait_until(lambda: not red(), 10, "readiness to turn green")
