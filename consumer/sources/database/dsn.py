"""Parses the DSN of a connection, so that the driver fills no gap of it from files or variables."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

SCHEMES = ("postgresql", "postgres")
HANDLED_HERE = frozenset({"user", "password", "dbname", "database", "connect_timeout", "options"})
DRIVER_OPTIONS = frozenset(
    {
        *("host", "port", "target_session_attrs", "krbsrvname", "gsslib"),
        *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version"),
    }
)
IGNORED_OPTIONS = frozenset(
    {
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("gssencmode", "client_encoding", "fallback_application_name"),
    }
)
"""Options of libpq that do not change what is read."""
TLS_FILE_OPTIONS = ("sslcert", "sslkey", "sslrootcert", "sslcrl")

CONNECT_TIMEOUT = 10.0
MAX_CONNECT_TIMEOUT = 60.0


class InvalidSourceDsnError(ValueError):
    """The DSN cannot be parsed. The message says why, and quotes no value of it."""


@dataclass(frozen=True, slots=True)
class ConnectionParams:
    """Parameters of `asyncpg.connect`, and settings to apply in the session.

    `dsn` holds only hosts and TLS options. `server_settings` are all options that neither we nor the driver
    handle.
    """

    dsn: str = field(repr=False)
    user: str
    password: str = field(repr=False)
    database: str
    connect_timeout: float
    server_settings: dict[str, str] = field(repr=False)


def parse_dsn(dsn: str) -> ConnectionParams:
    """Parse a DSN. Raises InvalidSourceDsnError."""
    try:
        parts = urlsplit(dsn.strip())
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise InvalidSourceDsnError("it is no address") from None
    if parts.scheme not in SCHEMES:
        raise InvalidSourceDsnError("it does not begin with postgresql://")
    if parts.fragment:
        raise InvalidSourceDsnError("it holds a #")
    options = dict(pairs)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    driver = {name: value for name, value in options.items() if name in DRIVER_OPTIONS}
    _check_files(driver)
    _required(hosts or options.get("host"), "host")
    return ConnectionParams(
        dsn=f"postgresql://{hosts}/?{urlencode(driver)}",
        user=_required(unquote(user) or options.get("user"), "user"),
        # Never None: the driver would look for a password in ~/.pgpass.
        password=unquote(password) or options.get("password", ""),
        database=_required(
            unquote(parts.path[1:]) or options.get("dbname") or options.get("database"), "database"
        ),
        connect_timeout=_connect_timeout(options.get("connect_timeout")),
        server_settings=_server_settings(options),
    )


def _required(value: str | None, part: str) -> str:
    if not value:
        raise InvalidSourceDsnError(f"it names no {part}")
    return value


def _check_files(options: dict[str, str]) -> None:
    """Check TLS files here: the driver's error for a missing one looks like an outage."""
    for name in TLS_FILE_OPTIONS:
        if name in options and not os.access(options[name], os.R_OK):
            raise InvalidSourceDsnError(f"the file it names as {name} cannot be read")


def _connect_timeout(text: str | None) -> float:
    if text is None:
        return CONNECT_TIMEOUT
    try:
        seconds = float(text)
    except ValueError:
        raise InvalidSourceDsnError("its connect_timeout is no number") from None
    return min(seconds, MAX_CONNECT_TIMEOUT) if seconds > 0 else CONNECT_TIMEOUT


def _server_settings(options: dict[str, str]) -> dict[str, str]:
    known = HANDLED_HERE | DRIVER_OPTIONS | IGNORED_OPTIONS
    return dict(_parse_libpq_options(options.get("options", ""))) | {
        name: value for name, value in options.items() if name not in known
    }


def _parse_libpq_options(text: str) -> Iterable[tuple[str, str]]:
    """The pairs of libpq's `options`: `-c name=value -c …`, or `--name=value`."""
    try:
        arguments = shlex.split(text)
    except ValueError:
        raise InvalidSourceDsnError("its options cannot be taken apart") from None
    for argument in arguments:
        if argument == "-c":
            continue
        name, equals, value = argument.removeprefix("--").removeprefix("-c").partition("=")
        if not equals:
            raise InvalidSourceDsnError("its options are not of the form -c name=value")
        yield name.replace("-", "_"), value
