"""Open files: as many as the system allows, and how many of them connections of clients may take."""

import resource

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

SOFT_LIMIT_CAP = 65_536
"""Enough for anything here; more makes some libraries walk through a long table whenever they fork."""
RESERVED_FILES = 128
"""For Kafka, Postgres, children and their pipes, sources, certificates: about 60 with two jobs running."""
MAX_CONNECTIONS = 256
MIN_CONNECTIONS = 16


def raise_limit() -> int:
    """Raise the soft limit of open files towards the hard one; returns the one that is in force.

    Logs where it is so low that fewer connections of clients are taken.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = wanted_limit(soft, hard)
    if wanted != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    if (connections := connection_limit(wanted)) < MAX_CONNECTIONS:
        log.warning(
            "http.connections_limited", open_files=wanted, reserved=RESERVED_FILES, connections=connections
        )
    return wanted


def wanted_limit(soft: int, hard: int) -> int:
    """The soft limit to set; never below the one there is. RLIM_INFINITY is negative in Python."""
    reachable = SOFT_LIMIT_CAP if hard == resource.RLIM_INFINITY else min(hard, SOFT_LIMIT_CAP)
    return soft if soft == resource.RLIM_INFINITY else max(soft, reachable)


def connection_limit(open_files: int) -> int:
    """How many connections of clients so many open files allow."""
    if open_files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(min(MAX_CONNECTIONS, open_files - RESERVED_FILES), MIN_CONNECTIONS)


def current_connection_limit() -> int:
    """The same for this process as it is now."""
    return connection_limit(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
