"""Checks the `Host` header against a list of names, which prevents DNS rebinding.

A web page could make its own name resolve to the service's address and so read the service through the
browser of a user in the network; but it cannot choose the `Host` header that the browser sends.
"""

import ipaddress
import re
from collections.abc import Collection, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
ANY_HOST_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes and scrapers use the address of a pod or container, and these paths contain nothing private."""
HOST_PATTERN = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:\d*)?")
MAX_EXCERPT_CHARS = 100


def normalize_host(text: str) -> str | None:
    """The canonical host of a `Host` header: without port, in lower case; None if it is invalid."""
    match = HOST_PATTERN.fullmatch(text.strip().lower())
    if match is None:
        return None
    host = match["host"]
    if host.startswith("["):
        return _bracket_ipv6(host[1:-1])
    return host.removesuffix(".") or None


def parse_hosts(text: str) -> frozenset[str]:
    """Parse host names separated by commas; raises ValueError that names the first invalid one."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise ValueError("names no host")
    return frozenset(_parse_host(name) for name in names)


def default_hosts(listen_host: str, machine_name: str) -> frozenset[str]:
    """The names of loopback and of the machine, and the listen address unless it is a wildcard."""
    names = [*LOOPBACK_NAMES, machine_name, machine_name.partition(".")[0]]
    if not is_wildcard(listen_host):
        names.append(f"[{listen_host}]" if ":" in listen_host else listen_host)
    return frozenset(host for name in names if (host := normalize_host(name)) is not None)


def is_loopback(listen_host: str) -> bool:
    """Whether a server on this address can be reached only from this machine."""
    address = _address(listen_host)
    if address is None:
        return listen_host.lower().removesuffix(".") == "localhost"
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_wildcard(listen_host: str) -> bool:
    """Whether this address means every address of the machine."""
    address = _address(listen_host)
    return address is not None and address.is_unspecified


def exposure_problem(listen_host: str, *, has_tokens: bool, allowed: bool) -> str | None:
    """Why the service must not listen on this address without tokens, as a sentence; None if it may."""
    if has_tokens or allowed or is_loopback(listen_host):
        return None
    return (
        f"MIGRATION_HTTP_HOST is {listen_host}, so anyone who reaches this port could read every job and "
        "start migrations: name a file of tokens in MIGRATION_HTTP_TOKENS_FILE (`migration-consumer token` "
        "makes them), or set MIGRATION_HTTP_OPEN=yes if the network keeps others out, or listen on 127.0.0.1"
    )


class HostCheck:
    """ASGI middleware: answers only requests for one of `hosts`; probes and `/metrics` for any host."""

    def __init__(self, app: ASGIApp, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 421."""
        if scope["type"] != "http" or scope["path"] in ANY_HOST_PATHS:
            await self._app(scope, receive, send)
            return
        host = _host_header(scope["headers"])
        if host is not None and normalize_host(host) in self._hosts:
            await self._app(scope, receive, send)
            return
        await _wrong_host_problem(host).response()(scope, receive, send)


def _wrong_host_problem(host: str | None) -> ProblemError:
    excerpt = "a request without a Host header" if host is None else ascii(host[:MAX_EXCERPT_CHARS])
    return ProblemError(
        421,
        ProblemCode.WRONG_HOST,
        f"This service does not answer to {excerpt}; its operator lists the names it answers to in "
        "MIGRATION_HTTP_HOSTS.",
    )


def _host_header(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    values = [value for name, value in headers if name == b"host"]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _parse_host(name: str) -> str:
    host = _bracket_ipv6(name) if _is_ipv6(name) else normalize_host(name)
    if host is None:
        raise ValueError(f"{name[:MAX_EXCERPT_CHARS]!a} is not the name of a host")
    return host


def _bracket_ipv6(address: str) -> str | None:
    try:
        return f"[{ipaddress.IPv6Address(address)}]"
    except ValueError:
        return None


def _is_ipv6(text: str) -> bool:
    return isinstance(_address(text), ipaddress.IPv6Address)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
