"""One rejected record, however much its row repeats, costs the service and its other jobs next to nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import psutil
import pytest

from devstack.service import ServiceProcess
from schemas.status import Status
from tests.support.harness import Harness
from tests.support.wide_workbooks import (
    EXPECTED_KINDS,
    kinds_workbook,
    long_headers_workbook,
    sharing_workbook,
)
from tests.support.workbooks import HEADER, data_rows, write_xlsx

MB = 1 << 20
ALLOWED_BYTES = 50 * MB
"""What the service may grow by: three batches of 8 MB, and what Python keeps of them."""
SAMPLE_SECONDS = 0.02

WORKBOOKS: dict[str, Callable[[Path], Path]] = {
    "4,000 cells": lambda path: sharing_workbook(path, columns=4_000),
    "7,500 cells": lambda path: sharing_workbook(path, columns=7_500),
    "long headers": long_headers_workbook,
    "1,000 wide rows": lambda path: sharing_workbook(path, columns=40, rows=1_000),
}


class ResourceSampler:
    """The memory of a process, and whether its probes answer, sampled all the time."""

    def __init__(self, service: ServiceProcess) -> None:
        self._service = service
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.peak = self.before = psutil.Process(service.pid).memory_info().rss
        self.probes: list[int] = []

    def _run(self) -> None:
        process = psutil.Process(self._service.pid)
        while not self._over.wait(SAMPLE_SECONDS):
            self.peak = max(self.peak, process.memory_info().rss)
            self.probes += [
                httpx.get(f"{self._service.url}/{probe}", timeout=5).status_code
                for probe in ("healthz", "readyz")
            ]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


@contextmanager
def concurrent_good_job(harness: Harness) -> Iterator[None]:
    """Another job, which comes to its end all the same."""
    path = write_xlsx(harness.inbox / "good.xlsx", [HEADER, *data_rows(2_000)])
    request_id = harness.kafka.start_excel(path.name)
    yield
    event = harness.kafka.wait_for_terminal_event(request_id)
    assert (event.status, event.processed) == (Status.COMPLETED, 2_000)


def get_rejected_rows(service: ServiceProcess, request_id: str, **headers: str) -> httpx.Response:
    answer = httpx.get(f"{service.url}/migration/jobs/{request_id}/errors", headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer


def run_first_job(harness: Harness, service: ServiceProcess) -> None:
    """The first job of a process loads what all others share."""
    path = write_xlsx(harness.inbox / "warm.xlsx", [HEADER, *data_rows(20_000), ("12", "u", "wrong")])
    request_id = harness.kafka.start_excel(path.name)
    assert harness.kafka.wait_for_terminal_event(request_id).failed == 1
    get_rejected_rows(service, request_id)
    get_rejected_rows(service, request_id, accept="text/csv")


@pytest.mark.parametrize("name", WORKBOOKS)
def test_hostile_rows_are_rejected_within_memory_limit(
    harness: Harness, service: ServiceProcess, name: str
) -> None:
    path = WORKBOOKS[name](harness.inbox / f"{name}.xlsx")
    assert path.stat().st_size < MB
    run_first_job(harness, service)
    with ResourceSampler(service) as watch, concurrent_good_job(harness):
        request_id = harness.kafka.start_excel(path.name)
        event = harness.kafka.wait_for_terminal_event(request_id)
        page: dict[str, Any] = get_rejected_rows(service, request_id).json()
        table = get_rejected_rows(service, request_id, accept="text/csv").content
    assert event.status is Status.COMPLETED
    assert event.failed == (1_000 if "rows" in name else 1)
    assert watch.peak - watch.before < ALLOWED_BYTES
    assert set(watch.probes) == {200}
    for item in page["items"]:
        assert item["record"]["ИНН"] == "12"
        assert item["record_cut"]["left_out"] > 20
    assert table.count(b"\r\n") == event.failed + 1
    columns = harness.db.job(request_id)["source_columns"]
    assert len(columns) < 1.2 * MB
    assert '"ИНН", "field": "inn"' in columns


def test_cell_kinds_of_rejected_row_are_stored(harness: Harness, service: ServiceProcess) -> None:
    path = kinds_workbook(harness.inbox / "kinds.xlsx")
    request_id = harness.kafka.start_excel(path.name)
    assert harness.kafka.wait_for_terminal_event(request_id).failed == 1
    (item,) = get_rejected_rows(service, request_id).json()["items"]
    assert (item["kinds"], item["record_cut"]) == (EXPECTED_KINDS, None)
