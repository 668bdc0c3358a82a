"""`python -m consumer.extract`: started by the service, one for each running job."""

import gc
import os
from collections.abc import Callable

from consumer import faults
from consumer.datasets.base import Dataset
from consumer.extract import limits
from consumer.extract.pipe import Pipe
from consumer.extract.run import run
from consumer.extract.start import Start

GC_THRESHOLDS = (100_000, 50, 100)
"""Rows are many small lists without cycles: looking through them often costs a tenth of the reading."""


def main(find: Callable[[str], Dataset] | None = None) -> None:
    """Conceal ourselves, read the START frame with its secrets, bound ourselves, read the source."""
    limits.prepare(inspectable=os.environ.get("MIGRATION_INSPECTABLE") == "yes")
    pipe = Pipe.take_over()
    orders = pipe.start()
    if orders is None:
        return
    start = Start.from_frame(*orders)
    faults.arm(start.faults)
    limits.apply(start.memory_bytes, start.cpu_seconds, start.service_pid)
    pipe.listen(start.grants)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    run(start, pipe, find or _find)
    os._exit(0)  # taking the interpreter down, and rows with it, takes time nobody needs


def _find(name: str) -> Dataset:
    from consumer.datasets.find import find

    return find(name)


if __name__ == "__main__":
    main()
