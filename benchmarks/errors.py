"""The error that ends a benchmark."""


class BenchmarkError(Exception):
    """A benchmark cannot go on; the message names the reason."""
