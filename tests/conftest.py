"""Tiers of tests, and the servers they share: one stack for each session, one database for each test.

`--stack` or MIGRATION_STACK says where Kafka and Postgres come from.
"""

import asyncio
import functools
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from httpx._transports import default as httpx_transports

from devstack import ports
from devstack.errors import StackError
from devstack.stack import Stack
from devstack.stack_kinds import STACK_KINDS, choose_stack_kind, start_stack

pytest.register_assert_rewrite("tests.support")

from tests.support.kept_connection import KeptConnection  # noqa: E402 – its assertions are rewritten
from tests.support.progress import Progress  # noqa: E402

MAX_WORKERS = 6
"""Each takes about 700 MB with its servers and a replica or two."""

MEMORY_DISK = Path("/dev/shm")
MEMORY_DISK_BYTES = 4 << 30
"""What the servers of one worker may need of it."""

# Several sessions may share one external server.
_database_names = (f"test_{os.getpid()}_{number}" for number in itertools.count())


ExecuteSql = Callable[[str], None]

TIERS = ("tests/unit", "tests/integration", "tests/acceptance", "tests/acceptance/faults", "tests/soak")
"""Folders in the order in which their tests run: the quick ones first."""
LONG_FILES = (
    "test_openapi_conformance.py",
    "test_retention.py",
    "test_long_messages.py",
    "test_oversized_rejected_record.py",
    "test_three_sources.py",
)
"""Of acceptance tests, those of a minute and more come first, so that none is alone in the end."""
TIER_MARKERS = {"tests/acceptance/faults": "fault", "tests/soak": "soak"}


# Each httpx client reads the certificates of the system, which takes 20 ms; tests make thousands of clients.
httpx_transports.create_ssl_context = functools.cache(httpx_transports.create_ssl_context)  # type: ignore[attr-defined]


@pytest.hookimpl(trylast=True)
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


def pytest_sessionstart() -> None:
    """Do not search for garbage among the tests that are being collected."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave the tests and modules that live on out of each later search for garbage."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark tests by their folder, and run quick tiers first."""
    tiers = {item: _tier(item, config) for item in items}
    for item, tier in tiers.items():
        if marker := TIER_MARKERS.get(tier):
            item.add_marker(marker)
    items.sort(key=lambda item: (TIERS.index(tiers[item]), item.path.name not in LONG_FILES))


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
        with _temporary_files_in_memory():
            running = start_stack(request.config.getoption("--stack"))
    except StackError as error:
        if "PYTEST_XDIST_WORKER" in os.environ:  # a worker that exits is taken for one that crashed
            pytest.fail(str(error), pytrace=False)
        pytest.exit(str(error), returncode=3)
    with running:
        if running.kind == "embedded":
            _skip_syncs(running)
        yield running


@contextmanager
def _temporary_files_in_memory() -> Iterator[None]:
    """Make temporary folders in memory within, where there is enough: a database is 300 files."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    before = tempfile.tempdir
    if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > workers * MEMORY_DISK_BYTES:
        tempfile.tempdir = str(MEMORY_DISK)
    try:
        yield
    finally:
        tempfile.tempdir = before


def _skip_syncs(stack: Stack) -> None:
    """Let the session's Postgres neither sync files nor hash passwords slowly: each test has a database.

    Dropping one waits for a checkpoint, a second or more where files are synced. No test stops this server;
    those that do have one of their own, with the settings of `devstack`.
    """
    password = urlsplit(stack.database_url).password
    for statement in (
        "alter system set fsync = off",
        "alter system set full_page_writes = off",
        "alter system set max_wal_size = '256MB'",
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
def execute_sql(stack: Stack) -> Iterator[ExecuteSql]:
    """Runs a statement in the stack's first database, always on the same connection."""
    connection = KeptConnection(stack.database_url)

    def execute(statement: str) -> None:
        connection.run(lambda one: one.execute(statement))

    yield execute
    connection.close()


@pytest.fixture(scope="session")
def template_database(stack: Stack, execute_sql: ExecuteSql) -> Iterator[str]:
    """The name of a database with the service's schema, for copies."""
    with _database(execute_sql) as name:
        _upgrade(stack.database_url_for(name))
        yield name


@pytest.fixture
def empty_database_url(stack: Stack, execute_sql: ExecuteSql) -> Iterator[str]:
    """The address of a new, empty database."""
    with _database(execute_sql) as name:
        yield stack.database_url_for(name)


@pytest.fixture
def database_url(stack: Stack, execute_sql: ExecuteSql, template_database: str) -> Iterator[str]:
    """The address of a new database that has the service's schema and no rows."""
    with _database(execute_sql, template_database) as name:
        yield stack.database_url_for(name)


@pytest.fixture
def make_migrated_database() -> Callable[[Stack], AbstractContextManager[str]]:
    """For tests with a stack of their own: makes a database with the service's schema."""
    return _migrated_database


@contextmanager
def _migrated_database(stack: Stack) -> Iterator[str]:
    with _database(stack.execute) as name:
        address = stack.database_url_for(name)
        _upgrade(address)
        yield address


@contextmanager
def _database(execute: ExecuteSql, copied_from: str = "template1") -> Iterator[str]:
    """A database by its name. Its files are copied: quicker than by the log where nothing is synced."""
    name = next(_database_names)
    execute(f'create database "{name}" template "{copied_from}" strategy file_copy')
    try:
        yield name
    finally:
        execute(f'drop database if exists "{name}" with (force)')


def _upgrade(address: str) -> None:
    from consumer.store.migrate import upgrade

    asyncio.run(upgrade(address))
