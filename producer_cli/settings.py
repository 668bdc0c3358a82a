"""Where Kafka and the service are: from the environment, or from the `.devstack/env` of a checkout.

The only reader of the environment in this folder. A file of settings is believed only where its owner
is the user or root, also where root calls: in a shared folder anybody could put one and have uploads sent to
a broker of theirs.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from producer_cli.exits import WrongInput

if TYPE_CHECKING:
    from messaging.connection import KafkaConnection

DEVSTACK = Path(".devstack") / "env"


@dataclass(frozen=True, slots=True)
class Settings:
    """The values this command was started with, not checked before they are needed."""

    values: Mapping[str, str]

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
            raise WrongInput(
                f"Where Kafka is, is not known: set {name} (host:port, several with commas), "
                "or call migration inside a checkout where `make stack` or `make up` runs."
            )
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
    return Settings({**_devstack(folder), **{k: v for k, v in environment.items() if v}})


def _devstack(folder: Path) -> dict[str, str]:
    for place in (folder, *folder.parents):
        file = place / DEVSTACK
        if _trusted(file):
            return parse_env(_text(file))
    return {}


def _trusted(file: Path) -> bool:
    """Whether it is there, and of the user or of root; one that may not be looked at is neither."""
    try:
        return file.is_file() and file.stat().st_uid in {0, os.geteuid()}
    except OSError:
        return False


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(
            f"{file} cannot be read ({type(error).__name__}); have it made again by `make stack`, "
            "or set KAFKA_BOOTSTRAP_SERVERS."
        ) from error


def parse_env(text: str) -> dict[str, str]:
    """Lines `KEY=value`; empty lines and comments are passed over, quotes around a value go."""
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key.strip().removeprefix("export "): _unquoted(value.strip()) for key, value in pairs}


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _secret(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongInput(f"{name}_FILE names {file}, which cannot be read.") from error
