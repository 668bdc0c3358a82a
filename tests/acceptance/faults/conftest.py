"""Fixtures of the proofs of the invariants: harnesses to be broken, and workbooks of a few batches."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from devstack.stack import Stack
from tests.support.faults.cluster import Cluster, proxied_cluster
from tests.support.faults.fault_harness import BATCH_ROWS, FaultHarness
from tests.support.faults.golden_workbook import GoldenWorkbook

WORKBOOK_ROWS = 8 * BATCH_ROWS


@pytest.fixture(scope="session")
def workbook(tmp_path_factory: pytest.TempPathFactory) -> GoldenWorkbook:
    """A workbook of eight batches."""
    return GoldenWorkbook.make(tmp_path_factory.mktemp("books") / "chats.xlsx", WORKBOOK_ROWS)


@pytest.fixture(scope="session")
def one_batch_workbook(tmp_path_factory: pytest.TempPathFactory) -> GoldenWorkbook:
    """A workbook of one batch."""
    return GoldenWorkbook.make(tmp_path_factory.mktemp("books") / "few.xlsx", BATCH_ROWS - 50, seed=6)


@pytest.fixture(scope="session")
def three_batch_workbook(tmp_path_factory: pytest.TempPathFactory) -> GoldenWorkbook:
    """A workbook of three batches. No row is wrong: a batch stored twice meets no key of a rejected row."""
    return GoldenWorkbook.make(
        tmp_path_factory.mktemp("books") / "short.xlsx", 3 * BATCH_ROWS, seed=7, rejected_share=0
    )


@pytest.fixture(scope="session")
def rejecting_workbook(tmp_path_factory: pytest.TempPathFactory) -> GoldenWorkbook:
    """A workbook whose rejected rows fill three batches."""
    path = tmp_path_factory.mktemp("books") / "rejecting.xlsx"
    return GoldenWorkbook.make(path, 5 * BATCH_ROWS, seed=16, rejected_share=0.6)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """One broker behind a proxy, for this module alone."""
    with proxied_cluster() as running:
        yield running


@pytest.fixture
def make_fault_harness(
    stack: Stack, template_database: str, tmp_path: Path
) -> Iterator[Callable[..., FaultHarness]]:
    """Makes harnesses that are closed at the end of the test."""
    with ExitStack() as harnesses:

        def make(cluster: Cluster | None = None) -> FaultHarness:
            made = FaultHarness(stack, tmp_path, cluster, template_database)
            harnesses.callback(made.close)
            return made

        yield make


@pytest.fixture
def fault_harness(make_fault_harness: Callable[..., FaultHarness]) -> FaultHarness:
    """A harness for one test, which ends with `assert_invariants` of the oracle."""
    return make_fault_harness()
