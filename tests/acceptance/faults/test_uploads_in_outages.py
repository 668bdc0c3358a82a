"""Kafka gone in the middle of an upload: it is refused in time, nothing starts, and the next one works."""

from collections.abc import Callable
from pathlib import Path

import pytest

from devstack.fakedata.workbook import make_workbook
from tests.support.curl import Curl
from tests.support.faults.cluster import Cluster
from tests.support.faults.fault_harness import FaultHarness
from tests.support.faults.tcp_proxy import TcpProxy
from tests.support.wait import wait_until

ENDED_SECONDS = 90
"""A chunk waits 45 s for the broker (`line.ACK_SECONDS`), then the client is taken apart within 20 s."""
RECOVERY_SECONDS = 60


@pytest.mark.parametrize("outage", [TcpProxy.cut, TcpProxy.blackhole], ids=["cut", "silent"])
def test_upload_during_kafka_outage_gets_503_and_frees_its_slot(
    make_fault_harness: Callable[..., FaultHarness],
    cluster: Cluster,
    tmp_path: Path,
    outage: Callable[[TcpProxy], None],
) -> None:
    harness = make_fault_harness(cluster)
    service = harness.start_replica(MIGRATION_MAX_UPLOADS="1")
    curl = Curl(service.url, tmp_path)
    make_workbook(tmp_path / "small.xlsx", rows=40, seed=63)
    with (tmp_path / "large.bin").open("wb") as file:
        file.truncate(200 * 2**20)
    [proxy] = cluster.proxies
    key = ("-H", "Idempotency-Key: cut-off")
    process = curl.start_post("/migration/excel", "--limit-rate", "2M", *key, "-F", "file=@large.bin")
    wait_until(lambda: process.read_bytes > 2**22, 30, "a part of the file to be sent")
    outage(proxy)
    response = process.response(ENDED_SECONDS)
    assert (response.status, response.json["code"]) == (503, "kafka_unavailable")
    assert int(response.headers["retry-after"]) > 0
    proxy.heal()

    def taken() -> bool:
        return curl.post("/migration/excel", "-F", "file=@small.xlsx").status == 202

    wait_until(taken, RECOVERY_SECONDS, "an upload to be taken again")
    assert harness.job("cut-off") == {}
