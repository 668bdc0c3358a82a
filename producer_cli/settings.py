"""Where Kafka and the service are: from the environment, or from the `.devstack/env` of a checkout.

The only reader of the environment in this folder.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from producer_cli import devstack_env
from producer_cli.exits import WrongInput

if TYPE_CHECKING:
    from messaging.connection import KafkaConnection


@dataclass(frozen=True, slots=True)
class Settings:
    """The values this command was started with, not checked before they are needed.

    `refusals` are sentences on files of settings that were found and are not trusted.
    """

    values: Mapping[str, str]
    refusals: Sequence[str] = field(default=())

    @property
    def http_url(self) -> str:
        """Address of the service's HTTP side, without a slash at the end."""
        port = self._optional("MIGRATION_HTTP_PORT") or "8084"
        return (self._optional("MIGRATION_HTTP_URL") or f"http://127.0.0.1:{port}").rstrip("/")

    @property
    def http_token(self) -> str | None:
        """What the service's HTTP side knows the user by; raises WrongInput without quoting it."""
        token = self._optional("MIGRATION_HTTP_TOKEN")
        if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
            raise WrongInput(
                "MIGRATION_HTTP_TOKEN is not a token: it must be one line of letters and digits, "
                "as `migration-consumer token` prints it."
            )
        return token

    def kafka(self) -> "KafkaConnection":
        """How to reach Kafka; raises WrongInput naming the variable that is missing or wrong."""
        from messaging.connection import KafkaConnection

        connection = KafkaConnection(
            bootstrap_servers=self._required("KAFKA_BOOTSTRAP_SERVERS"),
            security_protocol=self._checked("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT",
            sasl_mechanism=self._checked("KAFKA_SASL_MECHANISM"),
            sasl_username=self._optional("KAFKA_SASL_USERNAME"),
            sasl_password=self._optional("KAFKA_SASL_PASSWORD"),
            ssl_cafile=self._checked("KAFKA_SSL_CAFILE"),
        )
        if problem := connection.login_problem():
            raise WrongInput(f"{problem}.")
        return connection

    def _required(self, name: str) -> str:
        value = self._checked(name)
        if value is None:
            unknown = (
                f"Where Kafka is, is not known: set {name} (host:port, several with commas), "
                "or call migration inside a checkout where `make stack` or `make up` runs."
            )
            raise WrongInput(" ".join((unknown, *self.refusals)))
        return value

    def _checked(self, name: str) -> str | None:
        """The value as Kafka's client takes it; raises WrongInput."""
        from messaging.connection import CHECKS

        value = self._optional(name)
        try:
            return None if value is None else CHECKS[name](value)
        except ValueError as error:
            raise WrongInput(f"{name}: {error}.") from error

    def _optional(self, name: str) -> str | None:
        """What the file named by `name`_FILE holds, or the value of `name`: the order of the service."""
        file = self.values.get(f"{name}_FILE")
        value = _secret(name, Path(file)) if file else self.values.get(name, "").strip()
        return value or None


def load() -> Settings:
    """Settings of the process; `.devstack/env` is read where KAFKA_BOOTSTRAP_SERVERS is not set."""
    return from_surroundings(os.environ, Path.cwd())


def from_surroundings(environment: Mapping[str, str], folder: Path) -> Settings:
    """Settings from an environment and the folder the command was called in; the environment wins."""
    if environment.get("KAFKA_BOOTSTRAP_SERVERS") or environment.get("KAFKA_BOOTSTRAP_SERVERS_FILE"):
        return Settings(dict(environment))
    found = devstack_env.find(folder)
    return Settings({**found.values, **{k: v for k, v in environment.items() if v}}, found.refusals)


def _secret(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"{name}_FILE names {file}, which cannot be read.") from error
