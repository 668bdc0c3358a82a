"""How Kafka is reached: one value that makes the options of every client, and what its variables may hold."""

import random
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from messaging.errors import KafkaUnavailableError

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
BROKER_ADDRESS = re.compile(r"(?P<host>\[[0-9A-Za-z:.%]+\]|[^\s:/@\[\]]+)(?::(?P<port>[0-9]{1,5}))?")
"""`host:port`, `[::1]:9092`; without a port it is Kafka's usual one."""
MAX_PORT = 65_535


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
        so a rebuilt client should not begin at the same broker. Raises KafkaUnavailableError for an unreadable CA.
        """
        options: dict[str, Any] = {
            "bootstrap_servers": self._shuffled_servers(),
            "security_protocol": self.security_protocol,
        }
        if self.security_protocol.endswith("SSL"):
            options["ssl_context"] = self._ssl_context()
        if self.security_protocol.startswith("SASL_"):
            options |= self._sasl_options()
        return options

    def sasl_error(self) -> str | None:
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

    def to_dict(self) -> dict[str, str | None]:
        """As JSON-able values, the password too: for a pipe to our own child and nowhere else."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(**values)

    def _shuffled_servers(self) -> list[str]:
        servers = _split_servers(self.bootstrap_servers)
        return random.sample(servers, len(servers))

    def _sasl_options(self) -> dict[str, Any]:
        if problem := self.sasl_error():
            raise KafkaUnavailableError(f"{problem}.")
        return {
            "sasl_mechanism": self.sasl_mechanism or "PLAIN",
            "sasl_plain_username": self.sasl_username,
            "sasl_plain_password": self.sasl_password,
        }

    def _ssl_context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.ssl_cafile)
        except OSError as error:
            raise KafkaUnavailableError(
                f"The certificates in KAFKA_SSL_CAFILE ({self.ssl_cafile}) cannot be read: {error}. "
                "It must name a readable file of PEM certificates."
            ) from error


def validate_servers(text: str) -> str:
    """The addresses as they are; raises ValueError for one that is not `host:port`."""
    servers = _split_servers(text)
    if not servers:
        raise ValueError("names no broker; write host:port, several separated by commas")
    for server in servers:
        if not _is_broker_address(server):
            raise ValueError(f"«{server}» is not host:port; several are separated by commas")
    return text


def validate_protocol(text: str) -> str:
    """The protocol in capitals; raises ValueError."""
    return _validate_choice(SECURITY_PROTOCOLS, text)


def validate_mechanism(text: str) -> str:
    """The mechanism in capitals; raises ValueError."""
    return _validate_choice(SASL_MECHANISMS, text)


def validate_ca_file(path: str) -> str:
    """The path of a file of PEM certificates; raises ValueError where it cannot be read."""
    try:
        ssl.create_default_context(cafile=path)
    except OSError as error:
        raise ValueError(
            f"{path} cannot be read ({type(error).__name__}); name a readable file of PEM certificates"
        ) from None
    return path


VALIDATORS: Mapping[str, Callable[[str], str]] = {
    "KAFKA_BOOTSTRAP_SERVERS": validate_servers,
    "KAFKA_SECURITY_PROTOCOL": validate_protocol,
    "KAFKA_SASL_MECHANISM": validate_mechanism,
    "KAFKA_SSL_CAFILE": validate_ca_file,
}
"""What the value of a variable becomes. A ValueError is the end of a sentence that begins with its name."""


def _split_servers(servers: str) -> list[str]:
    return [server.strip() for server in servers.split(",") if server.strip()]


def _is_broker_address(text: str) -> bool:
    found = BROKER_ADDRESS.fullmatch(text)
    return bool(
        found and _is_resolvable_name(found["host"]) and 0 < int(found["port"] or MAX_PORT) <= MAX_PORT
    )


def _is_resolvable_name(host: str) -> bool:
    """Whether it can be looked up at all: what no name server knows is an outage, and this is none."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True


def _validate_choice(choices: tuple[str, ...], text: str) -> str:
    if text.upper() not in choices:
        raise ValueError(f"must be one of {', '.join(choices)}")
    return text.upper()
