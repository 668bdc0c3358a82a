"""POSTs while Kafka or Postgres is away: what was accepted is safe, what was refused never starts."""

import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.acceptance.faults.outage_harness import start_outage_harness
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook
from tests.support.faults.oracle import assert_invariants
from tests.support.faults.tcp_proxy import TcpProxy
from tests.support.kafka_client import inbox_source, start_body
from tests.support.wait import wait_until

RESPONSE_SECONDS = 30
"""The longest a POST may take in an outage."""

outages = pytest.mark.parametrize("outage", [TcpProxy.cut, TcpProxy.blackhole], ids=["cut", "silent"])
"""Connections that are reset and refused, or a network that swallows bytes."""


def post(url: str, request_id: str, path: str) -> httpx.Response:
    body = start_body(request_id, inbox_source(path))
    return httpx.post(f"{url}/migration/requests", json=body, timeout=RESPONSE_SECONDS, trust_env=False)


@outages
def test_post_without_postgres_is_accepted_and_recorded_later(
    fault_harness: FaultHarness, one_batch_workbook: GoldenWorkbook, outage: Callable[[TcpProxy], None]
) -> None:
    """The 202 has no job id yet."""
    service = fault_harness.start_replica()
    path = fault_harness.add_to_inbox(one_batch_workbook)
    request_id = str(uuid.uuid4())
    outage(fault_harness.postgres_proxy)
    answer = post(service.url, request_id, path)
    assert (answer.status_code, answer.json()["id"], answer.json()["status"]) == (202, None, "pending")
    assert answer.headers["location"] == f"/migration/jobs/{request_id}"
    fault_harness.postgres_proxy.heal()
    fault_harness.expect_import(request_id, one_batch_workbook)
    fault_harness.wait_for_status(request_id, "completed")
    assert_invariants(fault_harness)


@outages
def test_post_without_kafka_is_rejected_and_never_starts(
    tmp_path: Path, one_batch_workbook: GoldenWorkbook, outage: Callable[[TcpProxy], None]
) -> None:
    with start_outage_harness(tmp_path, broker_count=1) as harness:
        service = harness.start_replica()
        path = harness.add_to_inbox(one_batch_workbook)
        refused = [str(uuid.uuid4()) for _ in range(3)]
        for proxy in harness.cluster.proxies:
            outage(proxy)
        for request_id in refused:  # the first meets a producer that is connected, the last a known outage
            answer = post(service.url, request_id, path)
            assert (answer.status_code, answer.json()["code"]) == (503, "kafka_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        for proxy in harness.cluster.proxies:
            proxy.heal()
        accepted = str(uuid.uuid4())
        wait_until(
            lambda: post(service.url, accepted, path).status_code == 202, 60, "Kafka to be usable again"
        )
        harness.expect_import(accepted, one_batch_workbook)
        harness.wait_for_status(accepted, "completed")
        assert [harness.job(request_id) for request_id in refused] == [{}, {}, {}]
        assert_invariants(harness)
