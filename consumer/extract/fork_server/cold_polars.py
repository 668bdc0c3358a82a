"""Imports polars, and starts it later: on import it starts a thread, which would not exist in a forked child.

From 2.0 on its package calls a function of its runtime once (`__register_startup_deps`), which starts the
thread that removes spilled files. Here that call is kept until the fork.
"""

import os
from collections.abc import Callable
from importlib import import_module, util
from typing import Any

RUNTIMES = ("_polars_runtime_compat", "_polars_runtime_64", "_polars_runtime_32")
"""One of them is installed with polars, by the kind of processor and the longest column."""
START = "__register_startup_deps"


def import_without_start() -> Callable[[], None]:
    """Import polars if it is installed; returns what completes its start in a forked process."""
    if util.find_spec("polars") is None:
        return lambda: None
    os.environ["_RJEM_MALLOC_CONF"] = "background_thread:false"  # its allocator starts threads, too
    postponed: list[Callable[[], None]] = []
    for name in RUNTIMES:
        if util.find_spec(name) is not None:
            _postpone_start(import_module(f"{name}._polars_runtime"), postponed)
    import_module("polars")
    return lambda: _run_all(postponed)


def _postpone_start(runtime: Any, postponed: list[Callable[[], None]]) -> None:
    """Replace the start of a runtime by one that puts it on the list."""
    start = getattr(runtime, START, None)
    if start is not None:  # without it the import may start a thread: then the server refuses to fork
        setattr(runtime, START, lambda *arguments: postponed.append(lambda: start(*arguments)))


def _run_all(calls: list[Callable[[], None]]) -> None:
    for call in calls:
        call()
