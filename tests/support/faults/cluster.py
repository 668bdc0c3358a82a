"""Kafka with a proxy before each broker: clients that come by a proxy are sent on to proxies alone."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack import kafka
from devstack.accounts import make_temporary_folder, server_account
from devstack.ports import free_ports
from devstack.server import Server
from tests.support.faults.tcp_proxy import HOST, TcpProxy

PLAIN_LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Brokers, and the proxy before each. `direct_bootstrap_servers` addresses are for the test itself."""

    brokers: list[Server]
    proxies: list[TcpProxy]
    direct_bootstrap_servers: str

    @property
    def bootstrap_servers(self) -> str:
        """The addresses by way of the proxies."""
        return ",".join(f"{HOST}:{proxy.port}" for proxy in self.proxies)


@dataclass(frozen=True, slots=True)
class SaslLogin:
    """A user and a password that the proxied listeners ask for, in the clear."""

    user: str
    password: str

    def environment(self) -> dict[str, str]:
        """The environment of a replica that logs in with it."""
        known = {"USERNAME": self.user, "PASSWORD": self.password, "MECHANISM": "PLAIN"}
        return {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"} | {
            f"KAFKA_SASL_{name}": value for name, value in known.items()
        }


@contextmanager
def proxied_cluster(broker_count: int = 1, login: SaslLogin | None = None) -> Iterator[Cluster]:
    """Brokers of our own, to be broken."""
    folder = make_temporary_folder(server_account())
    try:
        made = kafka.prepare(folder, folder / "logs", broker_count, temporary=True)
        with ExitStack() as proxies:
            found = [proxies.enter_context(TcpProxy(port)) for port in free_ports(broker_count)]
            for broker, proxy in zip(made.brokers, found, strict=True):
                _add_listener(broker.spec.folder / "server.properties", proxy, login)
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


def _add_listener(properties: Path, proxy: TcpProxy, login: SaslLogin | None) -> None:
    """A second listener, known to its clients by the address of the proxy before it."""
    more = {
        "listeners": f"PROXIED://{HOST}:{proxy.target}",
        "advertised.listeners": f"PROXIED://{HOST}:{proxy.port}",
        "listener.security.protocol.map": f"PROXIED:{'SASL_PLAINTEXT' if login else 'PLAINTEXT'}",
    }
    lines = properties.read_text().splitlines()
    found = [_append_value(line, more.get(line.partition("=")[0])) for line in lines]
    if login:
        known = f'{PLAIN_LOGIN_MODULE} required user_{login.user}="{login.password}";'
        found += ["sasl.enabled.mechanisms=PLAIN", f"listener.name.proxied.plain.sasl.jaas.config={known}"]
    properties.write_text("\n".join(found) + "\n")


def _append_value(line: str, value: str | None) -> str:
    return line if value is None else f"{line},{value}"
