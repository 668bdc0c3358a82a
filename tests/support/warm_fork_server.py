"""A fork server that has used polars before it forks: `python -m tests.support.warm_fork_server PID`."""

import polars

from consumer.extract.fork_server.__main__ import main

if __name__ == "__main__":
    polars.DataFrame({"a": range(100_000)}).lazy().group_by("a").len().collect()
    main()
