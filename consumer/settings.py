"""Settings of the service, read from the environment; `X_FILE` reads the value of `X` from a file.

Invalid values are all named in one SettingsError, and the service does not start.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from consumer.http.auth.session import MIN_KEY_BYTES
from consumer.http.middleware import hosts
from consumer.runtime import failpoints
from consumer.sources.database import dsn as sources
from consumer.store import dsn as store
from messaging.connection import KafkaConnection
from messaging.settings_validators import VALIDATORS
from schemas.requests import DatabaseSource, GoogleSheetsSource

NonEmptyStr = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class SettingsError(Exception):
    """Invalid settings; the message names each variable and never quotes a secret."""


class Settings(BaseModel):
    """All settings; the upper-case name of a field is its variable. docs/configuration.md explains them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kafka_bootstrap_servers: NonEmptyStr
    kafka_security_protocol: NonEmptyStr = "PLAINTEXT"
    kafka_sasl_mechanism: NonEmptyStr | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_cafile: Path | None = None
    database_url: SecretStr

    migration_inbox: Path = Path("inbox")
    migration_scratch: Path | None = Field(
        None, description="directory for temporary files; default: that of the system"
    )
    migration_connections: dict[str, SecretStr] = {}
    migration_google_credentials: dict[str, Path] = {}
    migration_google_api_url: NonEmptyStr = "https://sheets.googleapis.com"
    migration_google_reads_per_minute: int = Field(60, ge=1, le=100_000)

    migration_max_running_jobs: int = Field(2, ge=1, le=32)
    migration_batch_rows: int | None = Field(
        None, ge=1, le=100_000, description="default: depends on the type of source"
    )
    migration_lease_seconds: float = Field(10, ge=1, le=600)
    migration_heartbeat_seconds: float = Field(3, gt=0, le=200)
    migration_job_timeout_seconds: int = Field(7_200, ge=1, le=7 * 86_400)
    migration_max_attempts: int = Field(3, ge=1, le=100)
    migration_child_memory_mb: int = Field(3_072, ge=256)
    migration_max_inflated_mb: int = Field(2_048, ge=1)
    migration_drain_seconds: float = Field(25, ge=1, le=600)
    migration_keep_jobs_days: int = Field(365, ge=1, le=36_500)
    migration_keep_errors_days: int = Field(90, ge=1, le=36_500)
    migration_keep_events_days: int = Field(14, ge=8, le=36_500, description="the requests topic keeps 7")

    migration_http_host: NonEmptyStr = "127.0.0.1"
    migration_http_port: int = Field(8084, ge=0, le=65_535)
    migration_http_tokens_file: Path | None = None
    migration_http_cookie_key: SecretStr | None = Field(
        None, description="signs sessions: consumer.http.auth.session"
    )
    migration_http_open: Literal["yes", "no"] = Field(
        "no", description="whether the HTTP side may be public without tokens"
    )
    migration_http_hosts: frozenset[str] | None = Field(
        None, description="see consumer.http.middleware.hosts"
    )
    migration_max_upload_mb: int = Field(512, ge=1, le=10_240)
    migration_max_uploads: int = Field(8, ge=1, le=64)
    migration_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    migration_log_format: Literal["auto", "json", "console"] = "auto"
    migration_inspectable: Literal["yes", "no"] = Field(
        "no",
        description="whether processes of the same user may inspect this one: consumer.runtime.hardening",
    )
    migration_failpoints: str = Field("", description="for tests only, see consumer.runtime.failpoints")
    migration_failpoints_enabled: str = Field("", description="without ENABLING_VALUE none is armed")

    @field_validator(*map(str.lower, VALIDATORS), mode="before")
    @classmethod
    def _validate_kafka_option(cls, value: Any, info: ValidationInfo) -> Any:
        check = VALIDATORS[str(info.field_name).upper()]
        return check(value.strip()) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _validate_database_url(cls, dsn: SecretStr) -> SecretStr:
        store.validate(dsn.get_secret_value())
        return dsn

    @field_validator("migration_connections", "migration_google_credentials", mode="before")
    @classmethod
    def _parse_mapping(cls, value: Any) -> Any:
        return _parse_json_object(value) if isinstance(value, str) else value

    @field_validator("migration_connections")
    @classmethod
    def _validate_connections(cls, known: dict[str, SecretStr]) -> dict[str, SecretStr]:
        _validate_names(known, lambda name: DatabaseSource(type="database", connection=name))
        for name, dsn in known.items():
            try:
                sources.parse_dsn(dsn.get_secret_value())
            except sources.InvalidSourceDsnError as error:
                raise ValueError(f"the address of «{name}» is not understood: {error}") from None
        return known

    @field_validator("migration_google_credentials")
    @classmethod
    def _validate_credentials(cls, known: dict[str, Path]) -> dict[str, Path]:
        sheet = partial(GoogleSheetsSource, type="google_sheets", spreadsheet_id="any")
        _validate_names(known, lambda name: sheet(credentials=name))
        return known

    @field_validator("migration_google_api_url")
    @classmethod
    def _validate_api_url(cls, url: str) -> str:
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url):
            raise ValueError("must be an address like https://sheets.googleapis.com")
        return url

    @field_validator("migration_http_cookie_key")
    @classmethod
    def _validate_cookie_key(cls, key: SecretStr | None) -> SecretStr | None:
        if key is None:
            return None
        stripped = key.get_secret_value().strip()
        if len(stripped.encode()) < MIN_KEY_BYTES:
            raise ValueError(
                f"must have at least {MIN_KEY_BYTES} bytes; make one with `openssl rand -hex {MIN_KEY_BYTES}`"
            )
        return SecretStr(stripped)

    @field_validator("migration_http_hosts", mode="before")
    @classmethod
    def _parse_http_hosts(cls, value: Any) -> Any:
        return hosts.parse_hosts(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _validate_consistency(self) -> "Settings":
        if self.migration_heartbeat_seconds * 2 > self.migration_lease_seconds:
            raise ValueError(
                "MIGRATION_HEARTBEAT_SECONDS must be at most half of MIGRATION_LEASE_SECONDS, "
                "or one late heartbeat loses the job"
            )
        if problem := self.kafka().sasl_error():
            raise ValueError(problem)
        try:
            failpoints.parse(self.armed_failpoints())
        except failpoints.InvalidFailpointError as error:
            raise ValueError(f"MIGRATION_FAILPOINTS: {error}") from None
        return self

    def armed_failpoints(self) -> str:
        """The failpoints to arm; empty unless MIGRATION_FAILPOINTS_ENABLED holds ENABLING_VALUE."""
        enabled = self.migration_failpoints_enabled == failpoints.ENABLING_VALUE
        return self.migration_failpoints if enabled else ""

    def ignores_failpoints(self) -> bool:
        """Whether MIGRATION_FAILPOINTS is set without what would enable it."""
        return self.migration_failpoints != self.armed_failpoints()

    def exposure_problem(self) -> str | None:
        """Why the HTTP side must not listen on its address, as a sentence; None if it may.

        Checked by `run` and `doctor`; the other commands do not listen.
        """
        return hosts.exposure_problem(
            self.migration_http_host,
            has_tokens=self.migration_http_tokens_file is not None,
            allowed=self.migration_http_open == "yes",
        )

    def cookie_key(self) -> bytes | None:
        """The key that signs sessions; None if there is none in the settings."""
        key = self.migration_http_cookie_key
        return key.get_secret_value().encode() if key else None

    def cookie_key_problem(self) -> str | None:
        """What a missing key of sessions means where tokens are used, as a sentence; None if nothing."""
        if self.migration_http_tokens_file is None or self.migration_http_cookie_key is not None:
            return None
        return (
            "MIGRATION_HTTP_COOKIE_KEY is not set, so a random key signs the sessions of the page: they end "
            "with this process, and other replicas do not accept them; make a key with "
            f"`openssl rand -hex {MIN_KEY_BYTES}`, and give all replicas the same"
        )

    def allowed_hosts(self, machine_name: str) -> frozenset[str]:
        """Accepted values of the `Host` header."""
        return self.migration_http_hosts or hosts.default_hosts(self.migration_http_host, machine_name)

    def kafka(self) -> KafkaConnection:
        """Connection settings of Kafka."""
        password = self.kafka_sasl_password
        return KafkaConnection(
            bootstrap_servers=self.kafka_bootstrap_servers,
            security_protocol=self.kafka_security_protocol,
            sasl_mechanism=self.kafka_sasl_mechanism,
            sasl_username=self.kafka_sasl_username,
            sasl_password=password.get_secret_value() if password else None,
            ssl_cafile=str(self.kafka_ssl_cafile) if self.kafka_ssl_cafile else None,
        )


def _parse_json_object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError("must be a JSON object, name → value")
    return value


def _validate_names(names: Iterable[str], build_source: Callable[[str], object]) -> None:
    """Raise ValueError for a name that `build_source` does not accept in a request.

    The message does not quote it: it may be a password, if name and value were swapped.
    """
    try:
        for name in names:
            build_source(name)
    except ValidationError:
        raise ValueError(
            "holds a name that no request may use; take letters, digits, full stops, hyphens and underscores"
        ) from None


WITHOUT_FILE_VARIANT = frozenset(
    {
        "MIGRATION_HTTP_TOKENS_FILE",  # a path itself, and read again when the file changes
        # So that a stray variable has no effect, not even by naming a file that is missing.
        *("MIGRATION_FAILPOINTS", "MIGRATION_FAILPOINTS_ENABLED"),
    }
)


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; raises SettingsError with one sentence per invalid variable."""
    variables = dict(os.environ if environment is None else environment)
    known = {name.upper() for name in Settings.model_fields}
    values: dict[str, Any] = {name.lower(): variables[name] for name in known if variables.get(name)}
    for name in known - WITHOUT_FILE_VARIANT:
        if path := variables.get(f"{name}_FILE"):
            values[name.lower()] = _read_variable_file(f"{name}_FILE", path)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError(_format_errors(error)) from None


def _read_variable_file(name: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: cannot read {path} ({type(error).__name__})") from None


def _format_errors(error: ValidationError) -> str:
    lines = []
    for detail in error.errors(include_input=False, include_url=False):
        name = str(detail["loc"][0]).upper() if detail["loc"] else ""
        text = "is not set" if detail["type"] == "missing" else detail["msg"].removeprefix("Value error, ")
        lines.append(f"{name}: {text}" if name else text)
    return "; ".join(lines)


CHILD_ENV_ALLOWLIST = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TZ", "HOME", "TMPDIR"),
    "MIGRATION_INSPECTABLE",
    # Access to Google.
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "HTTPS_PROXY", "NO_PROXY"),
)


SECRET_VARIABLES = (
    *("DATABASE_URL", "KAFKA_SASL_PASSWORD", "MIGRATION_CONNECTIONS"),
    "MIGRATION_HTTP_COOKIE_KEY",
)
"""Variables that hold secrets; those with `_FILE` hold paths."""


def clear_secret_variables() -> None:
    """Remove secrets from the environment, so that no child process inherits them.

    `/proc/PID/environ` still shows them; `consumer.runtime.hardening` prevents that.
    """
    for name in SECRET_VARIABLES:
        os.environ.pop(name, None)


def child_environment() -> dict[str, str]:
    """The environment of child processes: the variables of CHILD_ENV_ALLOWLIST, none of which is secret."""
    return {name: os.environ[name] for name in CHILD_ENV_ALLOWLIST if name in os.environ}
