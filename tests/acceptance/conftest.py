"""Fixtures of acceptance tests: the service as processes, with Kafka, a database and an inbox."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devstack.fake_sheets.server import FakeSheetsServer
from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.workbook import make_workbook
from devstack.service import ServiceProcess
from devstack.stack import Stack
from tests.support.curl import UPLOADED_ROWS, Curl
from tests.support.harness import Harness


@pytest.fixture(scope="module")
def make_harness(
    stack: Stack, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Harness]]:
    """Makes harnesses that are closed at the end of the module."""
    made: list[Harness] = []

    def make() -> Harness:
        made.append(Harness(stack, tmp_path_factory.mktemp("harness"), template_database))
        made[-1].kafka.skip_earlier_requests()
        return made[-1]

    yield make
    for harness in made:
        harness.close()


@pytest.fixture(scope="module")
def harness(make_harness: Callable[[], Harness]) -> Harness:
    """The harness of this module."""
    return make_harness()


@pytest.fixture(scope="module")
def service(harness: Harness) -> ServiceProcess:
    """One replica for all tests of the module."""
    return harness.start_replica()


@pytest.fixture
def fake_sheets() -> Iterator[FakeSheetsServer]:
    """A server that answers like Google Sheets."""
    with FakeSheetsServer() as server:
        yield server


@pytest.fixture(scope="module")
def curl_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Holds the workbook and nothing else, as curl is called in it."""
    return tmp_path_factory.mktemp("empty")


@pytest.fixture(scope="module")
def curl_workbook(curl_folder: Path) -> ExpectedImport:
    """What `chats.xlsx` in the folder of curl holds."""
    return make_workbook(curl_folder / "chats.xlsx", rows=UPLOADED_ROWS, seed=41)


@pytest.fixture
def curl(service: ServiceProcess, curl_folder: Path) -> Curl:
    """curl as a person would call it."""
    return Curl(service.url, curl_folder)
