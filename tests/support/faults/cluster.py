"""Kafka with a proxy before each broker: clients that come by a proxy are sent on to proxies alone."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import kafka
from devstack.ports import free_ports
from devstack.server import Server
from devstack.unprivileged import account_for_servers, temporary_folder
from tests.support.faults.proxy import HOST, Proxy

PLAIN_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Brokers, and the proxy before each. `direct` addresses are for the test itself."""

    brokers: list[Server]
    proxies: list[Proxy]
    direct: str

    @property
    def bootstrap_servers(self) -> str:
        """The addresses by way of the proxies."""
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.proxies)


@dataclass(frozen=True, slots=True)
class Login:
    """A user and a password that the proxied listeners ask for, in the clear."""

    user: str
    password: str

    def settings(self) -> dict[str, str]:
        """What a replica is told of it."""
        known = {"USERNAME": self.user, "PASSWORD": self.password, "MECHANISM": "PLAIN"}
        return {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"} | {
            f"KAFKA_SASL_{name}": value for name, value in known.items()
        }


@contextmanager
def proxied_cluster(brokers: int = 1, login: Login | None = None) -> Iterator[Cluster]:
    """Brokers of our own, to be broken."""
    folder = temporary_folder(account_for_servers())
    try:
        made = kafka.prepare(folder, folder / "logs", brokers, temporary=True)
        with ExitStack() as proxies:
            found = [proxies.enter_context(Proxy(port)) for port in free_ports(brokers)]
            for broker, proxy in zip(made.brokers, found, strict=True):
                _add_listener(broker.order.folder / "server.properties", proxy, login)
            with _running(made.brokers):
                yield Cluster(made.brokers, found, made.bootstrap_servers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(servers: list[Server]) -> Iterator[None]:
    try:
        for server in servers:
            server.launch()
        for server in servers:
            server.wait_until_ready()
        yield
    finally:
        for server in servers:
            server.resume()
            server.kill()


def _add_listener(properties: Path, proxy: Proxy, login: Login | None) -> None:
    """A second listener, known to its clients by the address of the proxy before it."""
    more = {
        "listeners": f"PROXIED://{HOST}:{proxy.target}",
        "advertised.listeners": f"PROXIED://{HOST}:{proxy.port}",
        "listener.security.protocol.map": f"PROXIED:{'SASL_PLAINTEXT' if login else 'PLAINTEXT'}",
    }
    lines = properties.read_text().splitlines()
    found = [_with(line, more.get(line.partition("=")[0])) for line in lines]
    if login:
        known = f'{PLAIN_LOGIN} required user_{login.user}="{login.password}";'
        found += ["sasl.enabled.mechanisms=PLAIN", f"listener.name.proxied.plain.sasl.jaas.config={known}"]
    properties.write_text("\n".join(found) + "\n")


def _with(line: str, more: str | None) -> str:
    return line if more is None else f"{line},{more}"
