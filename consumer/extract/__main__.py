"""The program of an extractor, one process for each extraction of a job.

The fork server runs it in a forked process; `python -m consumer.extract` runs it alone.
"""

import gc
import os
from collections.abc import Callable

from consumer.datasets.base import Dataset
from consumer.extract.channel import Channel
from consumer.extract.extraction import run
from consumer.extract.process_limits import ProcessLimits
from consumer.extract.start_parameters import StartParameters
from consumer.runtime import child_limits, failpoints

GC_THRESHOLDS = (100_000, 50, 100)
"""Rows are many small lists without cycles: the default thresholds cost a tenth of the time."""


def main(
    find_dataset: Callable[[str], Dataset] | None = None, *, limits: ProcessLimits | None = None
) -> None:
    """Conceal this process, limit it, read the START frame with its secrets, read the source.

    Without `limits` it takes those of the START frame.
    """
    child_limits.prepare(inspectable=os.environ.get("MIGRATION_INSPECTABLE") == "yes")
    if limits is not None:
        limits.apply()
    channel = Channel.from_stdio()
    frame = channel.read_start()
    if frame is None:
        return
    parameters = StartParameters.from_frame(frame.header, frame.body)
    failpoints.arm(parameters.failpoints)
    if limits is None:
        parameters.limits.apply()
    if parameters.header.get("corrects") is not None:
        parameters = parameters.with_corrected_rows(channel.read_corrected_rows())
    channel.listen(parameters.credits)
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    run(parameters, channel, find_dataset or _find_dataset)
    os._exit(0)  # without the time that the interpreter takes to free its rows


def _find_dataset(name: str) -> Dataset:
    from consumer.datasets.registry import find

    return find(name)


if __name__ == "__main__":
    main()
