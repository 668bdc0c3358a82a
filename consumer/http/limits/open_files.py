"""The limit of open files, and how many client connections it allows."""

import resource

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")

SOFT_LIMIT_CAP = 65_536
"""More than the service ever needs; with more, some libraries iterate over a long table at each fork."""
RESERVED_FILES = 128
"""For Kafka, Postgres, child processes and their pipes, sources, certificates: about 60 with two jobs
running."""
MAX_CONNECTIONS = 256
MIN_CONNECTIONS = 16


def raise_limit() -> int:
    """Raise the soft limit of open files towards the hard limit; returns the soft limit in force.

    Logs a warning if it is too low for MAX_CONNECTIONS client connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    target = wanted_limit(soft, hard)
    if target != soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (target, hard))
    if (connections := connection_limit(target)) < MAX_CONNECTIONS:
        log.warning(
            "http.connections_limited", open_files=target, reserved=RESERVED_FILES, connections=connections
        )
    return target


def wanted_limit(soft: int, hard: int) -> int:
    """The soft limit to set, never below the current one. RLIM_INFINITY is negative in Python."""
    reachable = SOFT_LIMIT_CAP if hard == resource.RLIM_INFINITY else min(hard, SOFT_LIMIT_CAP)
    return soft if soft == resource.RLIM_INFINITY else max(soft, reachable)


def connection_limit(open_files: int) -> int:
    """The number of client connections that a limit of open files allows."""
    if open_files == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(min(MAX_CONNECTIONS, open_files - RESERVED_FILES), MIN_CONNECTIONS)


def current_connection_limit() -> int:
    """The number of client connections that the current limit of this process allows."""
    return connection_limit(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
