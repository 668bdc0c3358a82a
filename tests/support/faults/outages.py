"""Outages of what the service leans on, each with an end: for replicas that must live through them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from devstack.server import Server
from tests.support.faults.cluster import Cluster
from tests.support.faults.proxy import Proxy, faulty
from tests.support.wait import until

END_SECONDS = 20


class Leaning(Protocol):
    """What replicas lean on: brokers behind proxies, and a Postgres of their own behind one."""

    cluster: Cluster
    server: Server
    """Postgres."""

    @property
    def proxies(self) -> list[Proxy]:
        """All of them."""
        ...


Outage = Callable[[Leaning], AbstractContextManager[None]]


@contextmanager
def postgres_gone(world: Leaning) -> Iterator[None]:
    """Postgres stops at once, as `pg_ctl stop -m immediate` has it, and recovers when it starts again."""
    os.kill(world.server.pid, signal.SIGQUIT)
    until(lambda: not world.server.running, END_SECONDS, "Postgres to end")
    world.server.stop()  # lets go of what watched over it
    try:
        yield
    finally:
        world.server.start()


@contextmanager
def brokers_gone(world: Leaning) -> Iterator[None]:
    """All brokers are killed, and started again."""
    for broker in world.cluster.brokers:
        broker.kill()
    try:
        yield
    finally:
        _start(world.cluster.brokers)


@contextmanager
def brokers_restarted(world: Leaning) -> Iterator[None]:
    """One broker after the other parts in good order, so that each partition gets another leader."""
    for broker in world.cluster.brokers:
        broker.stop()
        _start([broker])
    yield


@contextmanager
def broker_lost(world: Leaning) -> Iterator[None]:
    """One broker is killed and never comes back."""
    world.cluster.brokers[0].kill()
    yield


@contextmanager
def network_cut(world: Leaning) -> Iterator[None]:
    """Every connection is reset, in both directions, and new ones are refused."""
    with faulty(world.proxies):
        for proxy in world.proxies:
            proxy.cut()
        yield


@contextmanager
def network_silent(world: Leaning) -> Iterator[None]:
    """Every byte is taken and none arrives, in both directions."""
    with faulty(world.proxies):
        for proxy in world.proxies:
            proxy.swallow()
        yield


@contextmanager
def network_forgets(world: Leaning) -> Iterator[None]:
    """Bytes of standing connections arrive nowhere, in both directions, for ever; new ones are well."""
    for proxy in world.proxies:
        proxy.forget()
    yield


def _start(servers: list[Server]) -> None:
    for server in servers:
        server.launch()
    for server in servers:
        server.wait_until_ready()
