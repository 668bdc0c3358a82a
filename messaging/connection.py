"""How Kafka is reached: one value that makes the options of every client, and what its variables may hold."""

import random
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from messaging.errors import KafkaUnavailable

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
ADDRESS = re.compile(r"(?P<host>\[[0-9A-Za-z:.%]+\]|[^\s:/@\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
"""`host:port`, `[::1]:9092`; without a port it is Kafka's usual one."""
LAST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Addresses and credentials; `bootstrap_servers` is `host:port`, several separated by commas."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments for a client, the brokers in another order each time.

        They are asked one after the other and a frozen one takes the whole request timeout,
        so a rebuilt client should not begin at the same broker. Raises KafkaUnavailable for an unreadable CA.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self._shuffled(),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL_"):
            options |= self._sasl()
        return options

    def login_problem(self) -> str | None:
        """What of protocol, mechanism, name and password does not fit together; the variables are named."""
        login = {
            "KAFKA_SASL_MECHANISM": self.sasl_mechanism,
            "KAFKA_SASL_USERNAME": self.sasl_username,
            "KAFKA_SASL_PASSWORD": self.sasl_password,
        }
        protocol = f"KAFKA_SECURITY_PROTOCOL is {self.security_protocol}"
        if self.security_protocol.startswith("SASL_"):
            missing = [name for name in ("KAFKA_SASL_USERNAME", "KAFKA_SASL_PASSWORD") if not login[name]]
            return f"{protocol}: set {' and '.join(missing)} too" if missing else None
        if unused := [name for name, value in login.items() if value]:
            return (
                f"{protocol}, so {', '.join(unused)} would not be used: set it to SASL_SSL, or leave them out"
            )
        return None

    def as_frame(self) -> dict[str, str | None]:
        """As JSON-able values, the password too: for a pipe to our own child and nowhere else."""
        return asdict(self)

    @classmethod
    def from_frame(cls, frame: dict[str, Any]) -> Self:
        """What `as_frame` gave."""
        return cls(**frame)

    def _shuffled(self) -> list[str]:
        servers = _split(self.bootstrap_servers)
        return random.sample(servers, len(servers))

    def _sasl(self) -> dict[str, Any]:
        if problem := self.login_problem():
            raise KafkaUnavailable(f"{problem}.")
        return {
            "sasl_mechanism": self.sasl_mechanism or "PLAIN",
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ssl_cafile)
        except OSError as error:
            raise KafkaUnavailable(
                f"The certificates in KAFKA_SSL_CAFILE ({self.ssl_cafile}) cannot be read: {error}. "
                "It must name a readable file of PEM certificates."
            ) from error


def checked_servers(text: str) -> str:
    """The addresses as they are; raises ValueError for one that is not `host:port`."""
    servers = _split(text)
    if not servers:
        raise ValueError("names no broker; write host:port, several separated by commas")
    for server in servers:
        if not _is_address(server):
            raise ValueError(f"«{server}» is not host:port; several are separated by commas")
    return text


def checked_protocol(text: str) -> str:
    """The protocol in capitals; raises ValueError."""
    return _one_of(PROTOCOLS, text)


def checked_mechanism(text: str) -> str:
    """The mechanism in capitals; raises ValueError."""
    return _one_of(MECHANISMS, text)


def checked_certificates(path: str) -> str:
    """The path of a file of PEM certificates; raises ValueError where it cannot be read."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}); name a readable file of PEM certificates"
        ) from None
    return path


CHECKS: Mapping[str, Callable[[str], str]] = {
    "KAFKA_BOOTSTRAP_SERVERS": checked_servers,
    "KAFKA_SECURITY_PROTOCOL": checked_protocol,
    "KAFKA_SASL_MECHANISM": checked_mechanism,
    "KAFKA_SSL_CAFILE": checked_certificates,
}
"""What the value of a variable becomes. A ValueError is the end of a sentence that begins with its name."""


def _split(servers: str) -> list[str]:
    return [server.strip() for server in servers.split(",") if server.strip()]


def _is_address(text: str) -> bool:
    found = ADDRESS.fullmatch(text)
    return bool(found and _is_name(found["host"]) and 0 < int(found["port"] or LAST_PORT) <= LAST_PORT)


def _is_name(host: str) -> bool:
    """Whether it can be looked up at all: what no name server knows is an outage, and this is none."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _one_of(known: tuple[str, ...], text: str) -> str:
    if text.upper() not in known:
        raise ValueError(f"must be one of {', '.join(known)}")
    return text.upper()
