"""A fork server whose children know the tiny dataset: `python -m tests.support.tiny_fork_server PID`.

It starts quickly, because it imports nothing ahead unless PRELOAD is set. SIGUSR1 makes it warm: it gets a
second thread.
"""

import os
import signal
import threading
import time

from consumer.extract import __main__ as extractor
from consumer.extract.fork_server import preload
from consumer.extract.fork_server.__main__ import main
from tests.support.tiny_extractor import find_tiny


def start_thread(*_: object) -> None:
    """A thread like those of a library that was used."""
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, start_thread)
    if "PRELOAD" not in os.environ:
        preload.import_all = lambda: lambda: None
    extractor._find_dataset = find_tiny
    main()
