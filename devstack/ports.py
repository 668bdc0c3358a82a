"""Free TCP ports on the loopback address."""

import random
import socket
from collections import deque

# Below the ephemeral ports: an outgoing connection could take one of these before the server binds it.
PORT_RANGE = range(20_000, 32_000)
_recently_used: deque[int] = deque(maxlen=256)
"""Ports returned lately: their callers may not listen yet."""


def free_ports(count: int) -> list[int]:
    """`count` different ports that are free now."""
    chosen: list[int] = []
    while len(chosen) < count:
        port = random.choice(PORT_RANGE)
        if port not in _recently_used and is_free(port):
            chosen.append(port)
            _recently_used.append(port)
    return chosen


def is_free(port: int) -> bool:
    """Whether this port can be bound now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
