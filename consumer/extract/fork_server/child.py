"""What a forked process does before it runs the extractor's program."""

import gc
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from consumer.extract import __main__ as extractor
from consumer.extract.fork_server.server import ForkedChild
from consumer.extract.process_limits import ProcessLimits

FIRST_OTHER_DESCRIPTOR = 3


@dataclass(frozen=True, slots=True)
class Preloaded:
    """What the server has imported: bytes of address space that it takes, and what polars needs after a fork.

    Those bytes come on top of a child's limit of memory, which is for what reading takes.
    """

    address_space_bytes: int
    start_polars: Callable[[], None]


def run(child: ForkedChild, preloaded: Preloaded) -> None:
    """Become an extractor with the pipes and limits of the request."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setpgid(0, 0)
    for standard, pipe in enumerate(child.pipes):
        os.dup2(pipe, standard)
    _close_other_descriptors()
    gc.enable()
    preloaded.start_polars()
    request = child.request
    memory_bytes = request.memory_bytes + preloaded.address_space_bytes
    extractor.main(limits=ProcessLimits(memory_bytes, request.cpu_seconds, child.server_pid))


def _close_other_descriptors() -> None:
    """Close all but the standard ones, whichever library has opened them."""
    highest = max(int(path.name) for path in Path("/dev/fd").iterdir())
    os.closerange(FIRST_OTHER_DESCRIPTOR, highest + 1)
