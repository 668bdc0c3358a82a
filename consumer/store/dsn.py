"""Validates DATABASE_URL before connecting, and converts it for asyncpg."""

import os
from collections.abc import Iterable
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

SCHEMES = ("postgresql", "postgres")
FILE_OPTIONS = ("sslcert", "sslkey", "sslrootcert", "sslcrl")
MAX_PORT = 65_535
LIBPQ_ONLY = frozenset(
    {
        *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"),
        *("gssencmode", "fallback_application_name", "sslcompression", "load_balance_hosts"),
    }
)
"""asyncpg would send these to the server as settings, which it does not know."""
UNSUPPORTED = frozenset({"channel_binding", "require_auth"})
"""asyncpg lacks these, and ignoring them would weaken the requested security."""
DEFAULT_CONNECT_SECONDS = 10.0
MAX_CONNECT_SECONDS = 60.0


def validate(dsn: str) -> None:
    """Raise ValueError for an unusable address; the message quotes no part of it."""
    try:
        parts = urlsplit(dsn)
        options = _options(parts.query)
    except ValueError:
        raise ValueError("is no address like postgresql://user:password@host:5432/database") from None
    if parts.scheme not in SCHEMES:
        raise ValueError("must begin with postgresql://")
    login, _, hosts = parts.netloc.rpartition("@")
    if parts.fragment or "@" in login:
        raise ValueError("holds a character that must be written by its code: %23 for #, %40 for @")
    _check_hosts(unquote(hosts) or options.get("host", ""))
    _check_ports(options.get("port", "").split(","))
    _check_files(options)
    _connect_timeout(options)
    for name in UNSUPPORTED & options.keys():
        if options[name] not in {"", "disable", "prefer"}:
            raise ValueError(f"asks for {name}, which this service does not have: leave it out")


def to_asyncpg(dsn: str) -> tuple[str, float]:
    """The address for asyncpg, and the connect timeout in seconds; raises ValueError."""
    parts = urlsplit(dsn)
    options = _options(parts.query)
    unknown = LIBPQ_ONLY | UNSUPPORTED
    if options.keys().isdisjoint(unknown):
        return dsn, DEFAULT_CONNECT_SECONDS
    supported = {name: value for name, value in options.items() if name not in unknown}
    return parts._replace(query=urlencode(supported)).geturl(), _connect_timeout(options)


def _options(query: str) -> dict[str, str]:
    """Name → value; the last of several, as asyncpg reads them."""
    parsed = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
    return {name: values[-1] for name, values in parsed.items()}


def _connect_timeout(options: dict[str, str]) -> float:
    """`connect_timeout` in seconds, limited to MAX_CONNECT_SECONDS; 0 means the default."""
    text = options.get("connect_timeout") or "0"
    if not text.isdecimal():
        raise ValueError("has a connect_timeout that is no whole number of seconds")
    return min(float(text) or DEFAULT_CONNECT_SECONDS, MAX_CONNECT_SECONDS)


def _check_hosts(hosts: str) -> None:
    """Hosts are separated by commas; an absolute path is the directory of a Unix socket."""
    for host in hosts.split(",") if hosts else ():
        if host.startswith("/"):
            continue
        name, port = _split_port(host)
        if not name:
            raise ValueError("has a host without a name")
        _check_ports([port])


def _split_port(host: str) -> tuple[str, str]:
    """An IPv6 address is in brackets, since it contains colons."""
    if host.startswith("["):
        name, _, rest = host[1:].partition("]")
        return name, rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port


def _check_ports(ports: Iterable[str]) -> None:
    for port in ports:
        if port and not (port.isdecimal() and 0 < int(port) <= MAX_PORT):
            raise ValueError(f"has a port that is no number from 1 to {MAX_PORT}")


def _check_files(options: dict[str, str]) -> None:
    """asyncpg's error for a missing file would look like an outage, which is retried."""
    for name in FILE_OPTIONS:
        if options.get(name) and not os.access(options[name], os.R_OK):
            raise ValueError(f"names a file as {name} that cannot be read")
