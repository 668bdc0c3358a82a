"""Tiers of tests, and the servers they share: one stack for each session, one database for each test.

`--stack` or MIGRATION_STACK says where Kafka and Postgres come from.
"""

import asyncio
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from urllib.parse import urlsplit

import pytest

from devstack import ports
from devstack.errors import StackError
from devstack.stack import Stack
from devstack.stack_kinds import STACK_KINDS, choose_stack_kind, start_stack
from tests.support.progress import Progress

MAX_WORKERS = 6
"""Each takes about 700 MB with its servers and a replica or two."""

# Several sessions may share one external server.
_database_names = (f"test_{os.getpid()}_{number}" for number in itertools.count())


TIERS = ("tests/unit", "tests/integration", "tests/acceptance", "tests/acceptance/faults", "tests/soak")
"""Folders in the order in which their tests run: the quick ones first."""
TIER_MARKERS = {"tests/acceptance/faults": "fault", "tests/soak": "soak"}


def pytest_configure(config: pytest.Config) -> None:
    """Give each worker ports of its own: another one could take a free port before its server does."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if config.getoption("--progress") and reporter is not None:
        config.pluginmanager.register(Progress(reporter), "progress")
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        number, size = int(worker.removeprefix("gw")) % MAX_WORKERS, len(ports.PORT_RANGE) // MAX_WORKERS
        ports.PORT_RANGE = ports.PORT_RANGE[number * size : (number + 1) * size]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stack", choices=STACK_KINDS, help="where Kafka and Postgres come from (or MIGRATION_STACK)"
    )
    parser.addoption("--progress", action="store_true", help="show counts and the time left instead of dots")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their folder, and run quick tiers first."""
    tiers = {item: _tier(item, config) for item in items}
    for item, tier in tiers.items():
        if marker := TIER_MARKERS.get(tier):
            item.add_marker(marker)
    items.sort(key=lambda item: TIERS.index(tiers[item]))


def _tier(item: pytest.Item, config: pytest.Config) -> str:
    """The innermost of the tiers' folders that a test is in."""
    path = item.path.relative_to(config.rootpath).as_posix()
    return next((tier for tier in reversed(TIERS) if path.startswith(tier)), TIERS[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """A stack for each; none where the servers come from elsewhere, which hold one consumer group."""
    try:
        embedded = choose_stack_kind(config.getoption("--stack")) == "embedded"
    except StackError as error:
        raise pytest.UsageError(str(error)) from None
    return min((os.cpu_count() or 1) + 1, MAX_WORKERS) if embedded else 0


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    """Kafka and Postgres, shared by the whole session: topics are shared too."""
    try:
        running = start_stack(request.config.getoption("--stack"))
    except StackError as error:
        if "PYTEST_XDIST_WORKER" in os.environ:  # a worker that exits is taken for one that crashed
            pytest.fail(str(error), pytrace=False)
        pytest.exit(str(error), returncode=3)
    with running:
        if running.kind == "embedded":
            _skip_syncs(running)
        yield running


def _skip_syncs(stack: Stack) -> None:
    """Let the session's Postgres neither sync files nor hash passwords slowly: each test has a database.

    Dropping one waits for a checkpoint, a second or more where files are synced. No test stops this server;
    those that do have one of their own, with the settings of `devstack`.
    """
    password = urlsplit(stack.database_url).password
    for statement in (
        "alter system set fsync = off",
        "alter system set full_page_writes = off",
        "select pg_reload_conf()",
        f"set scram_iterations = 1; alter role postgres password '{password}'",
    ):
        stack.execute(statement)


@pytest.fixture(scope="session")
def dedicated_stack() -> Iterator[Stack]:
    """An embedded stack that tests may break, and leave mended."""
    with start_stack("embedded") as running:
        yield running


@pytest.fixture(scope="module")
def dedicated_three_brokers() -> Iterator[Stack]:
    """An embedded stack of three brokers that only this module's tests use, and may break."""
    with start_stack("embedded", brokers=3) as running:
        yield running


@pytest.fixture
def kafka_bootstrap(stack: Stack) -> str:
    """The addresses of the session's Kafka."""
    return stack.bootstrap_servers


@pytest.fixture(scope="session")
def template_database(stack: Stack) -> Iterator[str]:
    """The name of a database with the service's schema, for copies."""
    with _database(stack) as name:
        _upgrade(stack.database_url_for(name))
        yield name


@pytest.fixture
def empty_database_url(stack: Stack) -> Iterator[str]:
    """The address of a new, empty database."""
    with _database(stack) as name:
        yield stack.database_url_for(name)


@pytest.fixture
def database_url(stack: Stack, template_database: str) -> Iterator[str]:
    """The address of a new database that has the service's schema and no rows."""
    with _database(stack, template_database) as name:
        yield stack.database_url_for(name)


@pytest.fixture
def make_migrated_database() -> Callable[[Stack], AbstractContextManager[str]]:
    """For tests with a stack of their own: makes a database with the service's schema."""
    return _migrated_database


@contextmanager
def _migrated_database(stack: Stack) -> Iterator[str]:
    with _database(stack) as name:
        address = stack.database_url_for(name)
        _upgrade(address)
        yield address


@contextmanager
def _database(stack: Stack, copied_from: str = "template1") -> Iterator[str]:
    name = next(_database_names)
    stack.create_database(name, copied_from)
    try:
        yield name
    finally:
        stack.drop_database(name)


def _upgrade(address: str) -> None:
    from consumer.store.migrate import upgrade

    asyncio.run(upgrade(address))
