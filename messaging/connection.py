"""How Kafka is reached: one value that makes the options of every client."""

import random
import ssl
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from messaging.errors import KafkaUnavailable


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

    def as_frame(self) -> dict[str, str | None]:
        """As JSON-able values, the password too: for a pipe to our own child and nowhere else."""
        return asdict(self)

    @classmethod
    def from_frame(cls, frame: dict[str, Any]) -> Self:
        """What `as_frame` gave."""
        return cls(**frame)

    def _shuffled(self) -> list[str]:
        servers = [server.strip() for server in self.bootstrap_servers.split(",") if server.strip()]
        return random.sample(servers, len(servers))

    def _sasl(self) -> dict[str, Any]:
        if not self.sasl_username or not self.sasl_password:
            raise KafkaUnavailable(
                f"KAFKA_SECURITY_PROTOCOL is {self.security_protocol}: "
                "set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD too."
            )
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
