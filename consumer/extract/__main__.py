"""`python -m consumer.extract`: started by the service, one for each running job."""

import gc
import os
from collections.abc import Callable

from consumer.datasets.base import Dataset
from consumer.extract import process_limits
from consumer.extract.channel import Channel
from consumer.extract.extraction import run
from consumer.extract.start_parameters import StartParameters
from consumer.runtime import failpoints

GC_THRESHOLDS = (100_000, 50, 100)
"""Rows are many small lists without cycles: looking through them often costs a tenth of the reading."""


def main(find_dataset: Callable[[str], Dataset] | None = None) -> None:
    """Conceal ourselves, read the START frame with its secrets, bound ourselves, read the source."""
    process_limits.prepare(inspectable=os.environ.get("MIGRATION_INSPECTABLE") == "yes")
    pipe = Channel.from_stdio()
    orders = pipe.read_start()
    if orders is None:
        return
    start = StartParameters.from_frame(*orders)
    failpoints.arm(start.failpoints)
    process_limits.apply(start.memory_bytes, start.cpu_seconds, start.service_pid)
    pipe.listen(start.credits)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    run(start, pipe, find_dataset or _find_dataset)
    os._exit(0)  # taking the interpreter down, and rows with it, takes time nobody needs


def _find_dataset(name: str) -> Dataset:
    from consumer.datasets.registry import find

    return find(name)


if __name__ == "__main__":
    main()
