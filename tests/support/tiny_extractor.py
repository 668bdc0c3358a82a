"""An extracting child with the tiny dataset: `python -m tests.support.tiny_extractor`."""

import ctypes
import os
import random
import resource
import sys
from typing import NoReturn

from consumer.datasets.base import Dataset
from consumer.extract.__main__ import main
from consumer.extract.fork_server import preload
from tests.support.tiny_dataset import make_tiny_dataset

PR_GET_DUMPABLE = 3
"""prctl(2)."""
REPORT_IMPORTS = "REPORT_IMPORTS"
"""A variable that makes the child import what the fork server does, and report at its end what came after."""


def find_tiny(name: str) -> Dataset:
    """Some names misbehave, as libraries do."""
    match name:
        case "prints":
            print("this must not reach the pipe", flush=True)
        case "limits":
            print_limits()
        case "draws":
            print(random.random(), flush=True)
        case "fails":
            raise ValueError("with a value that must not leak: +79991234567")
        case "eats":
            return make_tiny_dataset(str(bytearray(1 << 40)))
        case _:
            pass
    return make_tiny_dataset(name)


def print_limits() -> None:
    """Print what this process may take, by name as soft and hard limit."""
    for name, what in (
        ("core", resource.RLIMIT_CORE),
        ("memory", resource.RLIMIT_AS),
        ("cpu", resource.RLIMIT_CPU),
    ):
        soft, hard = resource.getrlimit(what)
        print(f"{name}={soft},{hard}")
    print(f"umask={oct(os.umask(0o77))}")
    print(f"dumpable={ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)}", flush=True)


def report_imports() -> None:
    """Print the names of modules that are imported from now on, when this process ends."""
    preload.import_all()()
    before, exit_now = set(sys.modules), os._exit

    def report_and_exit(status: int) -> NoReturn:
        print("imported:", *sorted(set(sys.modules) - before), file=sys.stderr, flush=True)
        exit_now(status)

    os._exit = report_and_exit


if __name__ == "__main__":
    if REPORT_IMPORTS in os.environ:
        report_imports()
    main(find_tiny)
