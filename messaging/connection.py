"""How Kafka is reached: addresses and credentials, and the client options made of them."""

import random
import ssl
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from messaging.errors import KafkaUnavailableError


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """Addresses and credentials; `bootstrap_servers` holds `host:port`, several separated by commas."""

    bootstrap_servers: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None

    def options(self) -> dict[str, Any]:
        """Keyword arguments of a client, with the brokers in random order.

        A client tries them one after the other and a frozen one takes the whole request timeout, so a new
        client should not start with the same broker. Raises KafkaUnavailableError for an unreadable CA file.
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
        """Which of protocol, mechanism, name and password contradict each other, by variable; else None."""
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
        """The fields as JSON values, the password included: only for the pipe to the child process."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        return cls(**values)

    def unavailable_error(self, *causes: object) -> KafkaUnavailableError:
        """The error for brokers that do not answer; `causes` are errors, or warnings of the client's log."""
        return KafkaUnavailableError.for_servers(self.bootstrap_servers, causes)

    def _shuffled_servers(self) -> list[str]:
        servers = split_servers(self.bootstrap_servers)
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


def split_servers(servers: str) -> list[str]:
    """The addresses of a list that is separated by commas."""
    return [server.strip() for server in servers.split(",") if server.strip()]
