"""`python -m consumer.extract.fork_server PID`: started by the service with this pid, once per replica.

Standard input is its end of the socket.
"""

import gc
import os
import signal
import socket
import sys

from consumer.extract.fork_server import child, preload
from consumer.extract.fork_server.child import Preloaded
from consumer.extract.fork_server.cold import WarmError, require_cold
from consumer.extract.fork_server.server import ForkedChild, Server
from consumer.runtime import child_limits


def main() -> None:
    """Import everything, then fork an extractor for each request until the service ends."""
    child_limits.prepare(inspectable=os.environ.get("MIGRATION_INSPECTABLE") == "yes")
    child_limits.end_with_parent(int(sys.argv[1]))
    for number in (signal.SIGINT, signal.SIGTERM):  # the service drains first, then closes the socket
        signal.signal(number, signal.SIG_IGN)
    preloaded = _preload()
    try:
        require_cold()
    except WarmError as error:
        sys.exit(str(error))
    if forked := _serve():
        child.run(forked, preloaded)


def _preload() -> Preloaded:
    gc.disable()  # the child enables it: until then no page is written only because it is searched
    before = child_limits.address_space_bytes()
    start_polars = preload.import_all()
    gc.freeze()
    return Preloaded(child_limits.address_space_bytes() - before, start_polars)


def _serve() -> ForkedChild | None:
    """Serve on the socket that is standard input; in a child it is closed when this returns."""
    with socket.socket(fileno=os.dup(0)) as service:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.close(nothing)
        return Server(service).serve()


if __name__ == "__main__":
    main()
