"""Kafka and Postgres as processes of this machine, without an installed Java or Docker."""

import contextlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from devstack import kafka, postgres
from devstack.accounts import Account, is_world_accessible, make_temporary_folder, server_account
from devstack.errors import PortTakenError
from devstack.server import Server
from devstack.stack import Stack

MAX_START_ATTEMPTS = 3


def start(brokers: int = 1, directory: Path | None = None) -> Stack:
    """Start both; data goes to `directory` or to a temporary folder. Raises StackError."""
    account = server_account()
    folder = _data_folder(directory, account)
    try:
        return _start_with_retries(folder, directory, brokers, account)
    except BaseException:
        if _is_temporary(folder, directory):
            _remove_all_but_logs(folder)
        raise


def _start_with_retries(folder: Path, directory: Path | None, brokers: int, account: Account | None) -> Stack:
    for _ in range(MAX_START_ATTEMPTS - 1):
        with contextlib.suppress(PortTakenError):
            return _start(folder, directory, brokers, account)
    return _start(folder, directory, brokers, account)


def _data_folder(directory: Path | None, account: Account | None) -> Path:
    if directory is None:
        return make_temporary_folder(account)
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    return directory if account is None or is_world_accessible(directory) else make_temporary_folder(account)


def _start(folder: Path, directory: Path | None, brokers: int, account: Account | None) -> Stack:
    temporary = _is_temporary(folder, directory)
    logs = (directory or folder).resolve() / "logs"
    with ThreadPoolExecutor() as pool:
        kafka_future = pool.submit(kafka.prepare, folder, logs, brokers, temporary=temporary)
        postgres_future = pool.submit(postgres.prepare, folder, logs, account, temporary=temporary)
        cluster, database = kafka_future.result(), postgres_future.result()
    servers = [*cluster.brokers, database.server]
    try:
        _start_together(servers)
    except BaseException:
        _stop_together(servers)
        raise
    env = {"KAFKA_BOOTSTRAP_SERVERS": cluster.bootstrap_servers, "DATABASE_URL": database.url}
    close = _make_close(cluster.brokers, database.server, folder if temporary else None)
    return Stack("embedded", env, close, cluster.brokers, database.server)


def _is_temporary(folder: Path, directory: Path | None) -> bool:
    return directory is None or folder != directory.resolve()


def _remove_all_but_logs(folder: Path) -> None:
    for part in folder.iterdir():
        if part.name != "logs":
            shutil.rmtree(part, ignore_errors=True)
    with contextlib.suppress(OSError):  # not empty: it holds the logs
        folder.rmdir()


def _start_together(servers: list[Server]) -> None:
    for server in servers:
        server.launch()
    for server in servers:
        server.wait_until_ready()


def _stop_together(servers: list[Server]) -> None:
    for server in servers:
        server.request_stop()
    for server in servers:
        server.stop()


def _make_close(brokers: list[Server], database: Server, temporary: Path | None) -> Callable[[], None]:
    def close() -> None:
        if temporary:  # the data is removed, and an orderly shutdown of a broker takes seconds
            for broker in brokers:
                broker.kill()
        _stop_together([*brokers, database])
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)

    return close
