"""Imports what an extractor may need, and runs none of it."""

import os
import pkgutil
from collections.abc import Callable, Iterator
from importlib import import_module

from consumer.extract.fork_server.cold_polars import import_without_start

PACKAGES = ("consumer.extract", "consumer.sources", "consumer.datasets", "consumer.cells")
"""With all their modules: sources and datasets import most of theirs on use."""
MODULES = (
    *("messaging.download", "messaging.connection", "schemas.uploads"),  # uploads
    *("msoffcrypto", "msoffcrypto.format.ooxml"),  # workbooks encrypted with the default password
    "phonenumbers",  # phones of other countries
    "numpy.ma",  # by `numpy.unique`
    *("encodings.cp437", "encodings.utf_16_le"),  # names in archives, texts in .xlsb
    "netrc",  # by requests, for Google Sheets
)
"""Others that are imported on use, by our modules or by libraries."""
EXCLUDED = frozenset({"__main__", "revisions"})
"""Names of modules and packages that an extractor never imports: programs, and revisions of the schema."""


def import_all() -> Callable[[], None]:
    """Import everything; returns what a forked process has to call. Raises ImportError."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would start a thread on each core
    start_polars = import_without_start()
    for package in PACKAGES:
        for name in _modules_below(package):
            import_module(name)
    for name in MODULES:
        import_module(name)
    return start_polars


def _modules_below(package: str) -> Iterator[str]:
    """Names of all modules in a package and in the packages below it."""
    for module in pkgutil.iter_modules(import_module(package).__path__, f"{package}."):
        if module.name.rpartition(".")[2] in EXCLUDED:
            continue
        yield module.name
        if module.ispkg:
            yield from _modules_below(module.name)
