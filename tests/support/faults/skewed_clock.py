"""A wall clock that is wrong. A process that finds this file as `sitecustomize` is off by the seconds in the
file `offset` beside it; whoever rewrites that file lets the clock jump.

Monotonic clocks stay as they are, as on a machine whose date is set.
Nothing but the standard library is used.
"""

import ctypes
import datetime
import gc
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

OFFSET = Path(__file__).with_name("offset")


class SkewedClock:
    """The clock of one machine, for the environment of a replica; its children share it."""

    def __init__(self, folder: Path, seconds: float) -> None:
        folder.mkdir()
        self._folder = folder
        shutil.copy(__file__, folder / "sitecustomize.py")
        self.set_offset(seconds)

    def set_offset(self, seconds: float) -> None:
        """Be off by so many seconds from now on."""
        fresh = self._folder / "offset.new"
        fresh.write_text(str(seconds))
        fresh.rename(self._folder / "offset")

    @property
    def environment(self) -> dict[str, str]:
        """The environment that makes a process use this clock."""
        before = os.environ.get("PYTHONPATH")
        path = os.pathsep.join(filter(None, (str(self._folder), before)))
        # Its extensions in C ask for the time of a record by themselves.
        return {"PYTHONPATH": path, "AIOKAFKA_NO_EXTENSIONS": "1"}


def _offset() -> float:
    return float(OFFSET.read_text())


def _patch_clocks() -> None:
    """Every way Python has to ask for the time of day answers with the offset added."""
    real_time, real_time_ns = time.time, time.time_ns
    time.time = lambda: real_time() + _offset()
    time.time_ns = lambda: real_time_ns() + int(_offset() * 1e9)
    for name in ("localtime", "gmtime", "ctime"):
        setattr(time, name, _with_default_now(getattr(time, name)))
    now = datetime.datetime.now
    _replace_classmethod(
        datetime.datetime, "now", lambda cls, tz=None: now(tz) + datetime.timedelta(seconds=_offset())
    )
    _replace_classmethod(datetime.datetime, "utcnow", lambda cls: cls.now(datetime.UTC).replace(tzinfo=None))
    _replace_classmethod(datetime.datetime, "today", lambda cls: cls.now())
    _replace_classmethod(datetime.date, "today", lambda cls: datetime.datetime.now().date())  # noqa: DTZ005


def _with_default_now(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda seconds=None: function(time.time() if seconds is None else seconds)


def _replace_classmethod(kind: type, name: str, method: Callable[..., Any]) -> None:
    """Types written in C take no assignment; a class of our own in their place would be another type."""
    [members] = gc.get_referents(kind.__dict__)
    members[name] = classmethod(method)
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))


if __name__ == "sitecustomize":
    _patch_clocks()
