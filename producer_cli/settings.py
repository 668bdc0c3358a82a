"""Where Kafka and the service are: from the environment, or from the `.devstack/env` of a checkout.

The only reader of the environment in this folder.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from producer_cli import devstack_env
from producer_cli.errors import InvalidInputError

if TYPE_CHECKING:
    from messaging.connection import KafkaConnection


@dataclass(frozen=True, slots=True)
class CliSettings:
    """The values this command was started with, not checked before they are needed.

    `skip_reasons` are sentences on files of settings that were found and are not trusted.
    """

    values: Mapping[str, str]
    skip_reasons: Sequence[str] = field(default=())

    @property
    def http_url(self) -> str:
        """Address of the service's HTTP side, without a slash at the end."""
        port = self._optional("MIGRATION_HTTP_PORT") or "8084"
        return (self._optional("MIGRATION_HTTP_URL") or f"http://127.0.0.1:{port}").rstrip("/")

    @property
    def http_token(self) -> str | None:
        """What the service's HTTP side knows the user by; raises InvalidInputError without quoting it."""
        token = self._optional("MIGRATION_HTTP_TOKEN")
        if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
            raise InvalidInputError(
                "MIGRATION_HTTP_TOKEN is not a token: it must be one line of letters and digits, "
                "as `migration-consumer token` prints it."
            )
        return token

    def kafka(self) -> "KafkaConnection":
        """How to reach Kafka; raises InvalidInputError naming the variable that is missing or wrong."""
        from messaging.connection import KafkaConnection

        connection = KafkaConnection(
            bootstrap_servers=self._required("KAFKA_BOOTSTRAP_SERVERS"),
            security_protocol=self._validated("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT",
            sasl_mechanism=self._validated("KAFKA_SASL_MECHANISM"),
            sasl_username=self._optional("KAFKA_SASL_USERNAME"),
            sasl_password=self._optional("KAFKA_SASL_PASSWORD"),
            ssl_cafile=self._validated("KAFKA_SSL_CAFILE"),
        )
        if problem := connection.sasl_error():
            raise InvalidInputError(f"{problem}.")
        return connection

    def _required(self, name: str) -> str:
        value = self._validated(name)
        if value is None:
            unknown = (
                f"Where Kafka is, is not known: set {name} (host:port, several with commas), "
                "or call migration inside a checkout where `make stack` or `make up` runs."
            )
            raise InvalidInputError(" ".join((unknown, *self.skip_reasons)))
        return value

    def _validated(self, name: str) -> str | None:
        """The value as Kafka's client takes it; raises InvalidInputError."""
        from messaging.settings_validators import VALIDATORS

        value = self._optional(name)
        try:
            return None if value is None else VALIDATORS[name](value)
        except ValueError as error:
            raise InvalidInputError(f"{name}: {error}.") from error

    def _optional(self, name: str) -> str | None:
        """What the file named by `name`_FILE holds, or the value of `name`: the order of the service."""
        file = self.values.get(f"{name}_FILE")
        value = _read_secret(name, Path(file)) if file else self.values.get(name, "").strip()
        return value or None


def load() -> CliSettings:
    """Settings of the process; `.devstack/env` is read where KAFKA_BOOTSTRAP_SERVERS is not set."""
    return from_environment(os.environ, Path.cwd())


def from_environment(environment: Mapping[str, str], folder: Path) -> CliSettings:
    """Settings from an environment and the folder the command was called in; the environment wins."""
    if environment.get("KAFKA_BOOTSTRAP_SERVERS") or environment.get("KAFKA_BOOTSTRAP_SERVERS_FILE"):
        return CliSettings(dict(environment))
    found = devstack_env.find(folder)
    return CliSettings({**found.values, **{k: v for k, v in environment.items() if v}}, found.skip_reasons)


def _read_secret(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(f"{name}_FILE names {file}, which cannot be read.") from error
