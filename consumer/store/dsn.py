"""The address of our Postgres: what can be said against it before anything connects."""

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
"""The driver would send these to the server, which knows no such settings."""
UNSUPPORTED = frozenset({"channel_binding", "require_auth"})
"""The driver has no such thing, and to pass it over would weaken what was asked for."""
DEFAULT_CONNECT_SECONDS = 10.0
MAX_CONNECT_SECONDS = 60.0


def validate(dsn: str) -> None:
    """Raise ValueError where nothing could connect by it; the text quotes no value of it."""
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
    """The address as the driver understands it, and how long connecting may take; raises ValueError."""
    parts = urlsplit(dsn)
    options = _options(parts.query)
    unknown = LIBPQ_ONLY | UNSUPPORTED
    if options.keys().isdisjoint(unknown):
        return dsn, DEFAULT_CONNECT_SECONDS
    kept = {name: value for name, value in options.items() if name not in unknown}
    return parts._replace(query=urlencode(kept)).geturl(), _connect_timeout(options)


def _options(query: str) -> dict[str, str]:
    """Name → value; of several the last, as the driver takes them."""
    found = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
    return {name: values[-1] for name, values in found.items()}


def _connect_timeout(options: dict[str, str]) -> float:
    """What `connect_timeout` says, within bounds; 0 is its way to say nothing."""
    text = options.get("connect_timeout") or "0"
    if not text.isdecimal():
        raise ValueError("has a connect_timeout that is no whole number of seconds")
    return min(float(text) or DEFAULT_CONNECT_SECONDS, MAX_CONNECT_SECONDS)


def _check_hosts(hosts: str) -> None:
    """Several are separated by commas; none at all is this machine, a folder is where its socket lies."""
    for host in hosts.split(",") if hosts else ():
        if host.startswith("/"):
            continue
        name, port = _split_port(host)
        if not name:
            raise ValueError("has a host without a name")
        _check_ports([port])


def _split_port(host: str) -> tuple[str, str]:
    """An address in brackets holds colons of its own."""
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
    """The driver's error for a missing one looks like an outage, which is waited for."""
    for name in FILE_OPTIONS:
        if options.get(name) and not os.access(options[name], os.R_OK):
            raise ValueError(f"names a file as {name} that cannot be read")
