"""The address of a connection taken apart, so that nothing it leaves out is filled in from elsewhere."""

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

SCHEMES = ("postgresql", "postgres")
OWN = frozenset({"user", "password", "dbname", "database", "connect_timeout", "options"})
FOR_THE_DRIVER = frozenset(
    {
        *("host", "port", "target_session_attrs", "krbsrvname", "gsslib"),
        *("sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslpassword", "sslnegotiation"),
        *("ssl_min_protocol_version", "ssl_max_protocol_version"),
    }
)
WITHOUT_MEANING = frozenset(
    {
        *("keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("gssencmode", "client_encoding", "fallback_application_name"),
    }
)
"""Options of libpq that change nothing about what is read."""
FILES = ("sslcert", "sslkey", "sslrootcert", "sslcrl")

CONNECT_SECONDS = 10.0
MAX_CONNECT_SECONDS = 60.0


class WrongAddress(ValueError):
    """The address cannot be understood. The text says why, and never quotes a value of it."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect, as whom, and what to set there.

    `dsn` holds hosts and TLS alone, for the driver. `settings` are all other options: settings of the server.
    """

    dsn: str = field(repr=False)
    user: str
    password: str = field(repr=False)
    database: str
    connect_seconds: float
    settings: dict[str, str] = field(repr=False)


def parse(dsn: str) -> Address:
    """Take a DSN apart; raises WrongAddress."""
    try:
        parts = urlsplit(dsn.strip())
        pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise WrongAddress("it is no address") from None
    if parts.scheme not in SCHEMES:
        raise WrongAddress("it does not begin with postgresql://")
    if parts.fragment:
        raise WrongAddress("it holds a #")
    options = dict(pairs)
    login, _, hosts = parts.netloc.rpartition("@")
    user, _, password = login.partition(":")
    driver = {name: value for name, value in options.items() if name in FOR_THE_DRIVER}
    _check_files(driver)
    _named(hosts or options.get("host"), "host")
    return Address(
        dsn=f"postgresql://{hosts}/?{urlencode(driver)}",
        user=_named(unquote(user) or options.get("user"), "user"),
        # Never None: the driver would look for a password of our own.
        password=unquote(password) or options.get("password", ""),
        database=_named(
            unquote(parts.path[1:]) or options.get("dbname") or options.get("database"), "database"
        ),
        connect_seconds=_seconds(options.get("connect_timeout")),
        settings=_settings(options),
    )


def _named(value: str | None, what: str) -> str:
    if not value:
        raise WrongAddress(f"it names no {what}")
    return value


def _check_files(options: dict[str, str]) -> None:
    """A file that is missing is a slip of the settings; the driver's error for it looks like an outage."""
    for name in FILES:
        if name in options and not os.access(options[name], os.R_OK):
            raise WrongAddress(f"the file it names as {name} cannot be read")


def _seconds(text: str | None) -> float:
    if text is None:
        return CONNECT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        raise WrongAddress("its connect_timeout is no number") from None
    return min(seconds, MAX_CONNECT_SECONDS) if seconds > 0 else CONNECT_SECONDS


def _settings(options: dict[str, str]) -> dict[str, str]:
    known = OWN | FOR_THE_DRIVER | WITHOUT_MEANING
    return dict(_flags(options.get("options", ""))) | {
        name: value for name, value in options.items() if name not in known
    }


def _flags(text: str) -> Iterable[tuple[str, str]]:
    """The pairs of `-c name=value -c …`, or `--name=value`, as libpq's `options` takes them."""
    try:
        words = shlex.split(text)
    except ValueError:
        raise WrongAddress("its options cannot be taken apart") from None
    for word in words:
        if word == "-c":
            continue
        name, equals, value = word.removeprefix("--").removeprefix("-c").partition("=")
        if not equals:
            raise WrongAddress("its options are not of the form -c name=value")
        yield name.replace("-", "_"), value
