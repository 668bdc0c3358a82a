"""Outages of what the service leans on, each with an end: for replicas that must live through them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from devstack.server import Server
from tests.support.faults.cluster import Cluster
from tests.support.faults.tcp_proxy import TcpProxy, healed_after
from tests.support.wait import wait_until

END_SECONDS = 20


class OutageTargets(Protocol):
    """What replicas lean on: brokers behind proxies, and a Postgres of their own behind one."""

    cluster: Cluster
    postgres_server: Server
    """Postgres."""

    @property
    def proxies(self) -> list[TcpProxy]:
        """All of them."""
        ...


Outage = Callable[[OutageTargets], AbstractContextManager[None]]


@contextmanager
def postgres_stopped(harness: OutageTargets) -> Iterator[None]:
    """Postgres stops at once, as `pg_ctl stop -m immediate` has it, and recovers when it starts again."""
    os.kill(harness.postgres_server.pid, signal.SIGQUIT)
    wait_until(lambda: not harness.postgres_server.running, END_SECONDS, "Postgres to end")
    harness.postgres_server.stop()  # lets go of what watched over it
    try:
        yield
    finally:
        harness.postgres_server.start()


@contextmanager
def brokers_killed(harness: OutageTargets) -> Iterator[None]:
    """All brokers are killed, and started again."""
    for broker in harness.cluster.brokers:
        broker.kill()
    try:
        yield
    finally:
        _start_servers(harness.cluster.brokers)


@contextmanager
def brokers_restarted_in_turn(harness: OutageTargets) -> Iterator[None]:
    """One broker after the other parts in good order, so that each partition gets another leader."""
    for broker in harness.cluster.brokers:
        broker.stop()
        _start_servers([broker])
    yield


@contextmanager
def broker_lost(harness: OutageTargets) -> Iterator[None]:
    """One broker is killed and never comes back."""
    harness.cluster.brokers[0].kill()
    yield


@contextmanager
def network_cut(harness: OutageTargets) -> Iterator[None]:
    """Every connection is reset, in both directions, and new ones are refused."""
    with healed_after(harness.proxies):
        for proxy in harness.proxies:
            proxy.cut()
        yield


@contextmanager
def network_blackholed(harness: OutageTargets) -> Iterator[None]:
    """Every byte is taken and none arrives, in both directions."""
    with healed_after(harness.proxies):
        for proxy in harness.proxies:
            proxy.blackhole()
        yield


@contextmanager
def connections_blackholed(harness: OutageTargets) -> Iterator[None]:
    """Bytes of existing connections are dropped in both directions, for good; new connections work."""
    for proxy in harness.proxies:
        proxy.blackhole_existing()
    yield


def _start_servers(servers: list[Server]) -> None:
    for server in servers:
        server.launch()
    for server in servers:
        server.wait_until_ready()
