"""Free TCP ports on the loopback address."""

import random
import socket
from collections import deque

# Below the ports that systems hand out to outgoing connections, which could take one before the server does.
PORT_RANGE = range(20_000, 32_000)
_recently_used: deque[int] = deque(maxlen=256)
"""Ports handed out lately: who asked for them may not listen yet."""


def free_ports(count: int) -> list[int]:
    """`count` different ports that nobody listens on right now."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(PORT_RANGE)
        if port not in _recently_used and is_free(port):
            found.append(port)
            _recently_used.append(port)
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
