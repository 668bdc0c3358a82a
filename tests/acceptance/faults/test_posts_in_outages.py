"""POSTs while Kafka or Postgres is away: what was accepted is safe, what was refused never starts."""

import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.acceptance.faults.conftest import FaultWorld
from tests.acceptance.faults.leaning import leaning_world
from tests.support.faults.books import Book
from tests.support.faults.oracle import judge
from tests.support.faults.proxy import Proxy
from tests.support.line import inbox_file, start
from tests.support.wait import until

ANSWER_SECONDS = 30
"""The longest a POST may take in an outage."""

outages = pytest.mark.parametrize("outage", [Proxy.cut, Proxy.swallow], ids=["cut", "silent"])
"""Connections are reset and refused, or a network that takes bytes and says nothing."""


def post(url: str, request_id: str, path: str) -> httpx.Response:
    body = start(request_id, inbox_file(path))
    return httpx.post(f"{url}/migration/requests", json=body, timeout=ANSWER_SECONDS, trust_env=False)


@outages
def test_a_request_sent_while_postgres_is_away_is_accepted_without_a_number_and_recorded_later(
    fault_world: FaultWorld, small_book: Book, outage: Callable[[Proxy], None]
) -> None:
    service = fault_world.replica()
    path = fault_world.put(small_book)
    request_id = str(uuid.uuid4())
    outage(fault_world.postgres)
    answer = post(service.url, request_id, path)
    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (202, None, "pending")
    assert answer.headers["location"] == f"/migration/jobs/{request_id}"
    fault_world.postgres.heal()
    fault_world.expect(request_id, small_book)
    fault_world.until_status(request_id, "completed")
    judge(fault_world)


@outages
def test_a_request_sent_while_kafka_is_away_is_refused_and_never_starts(
    tmp_path: Path, small_book: Book, outage: Callable[[Proxy], None]
) -> None:
    with leaning_world(tmp_path, brokers=1) as world:
        service = world.replica()
        path = world.put(small_book)
        refused = [str(uuid.uuid4()) for _ in range(3)]
        for proxy in world.cluster.proxies:
            outage(proxy)
        for request_id in refused:  # the first meets a producer that is connected, the last a known outage
            answer = post(service.url, request_id, path)
            assert (answer.status_code, answer.json()["code"]) == (503, "kafka_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        for proxy in world.cluster.proxies:
            proxy.heal()
        accepted = str(uuid.uuid4())
        until(lambda: post(service.url, accepted, path).status_code == 202, 60, "Kafka to be usable again")
        world.expect(accepted, small_book)
        world.until_status(accepted, "completed")
        assert [world.job(request_id) for request_id in refused] == [{}, {}, {}]
        judge(world)
