"""A folder of this process alone for temporary files, and the removal of those that killed ones left.

What lies there may be personal. A process holds a lock on its folder for as long as it lives, whatever
ends it; a folder whose lock nobody holds is nobody's.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

import structlog

from consumer.worker.attempt import JOB_DIR_PREFIX

log: structlog.stdlib.BoundLogger = structlog.get_logger("tempdir")

PREFIX = "chat-migration-scratch-"
MAX_LOCK_ATTEMPTS = 10
"""A folder can be taken for a left one between its making and its locking."""


class ProcessTempDir:
    """The folder at `path`, locked until `close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, root: Path) -> Self:
        """Remove what others left under `root`, and make a folder of our own; raises OSError."""
        for left in sorted(root.glob(f"{PREFIX}*")):
            _remove_stale(left)
        for _ in range(MAX_LOCK_ATTEMPTS):
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            if (lock := _try_lock(path)) is not None:
                return cls(path, lock)
        raise BlockingIOError(f"folders made in {root} cannot be locked")

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _try_lock(folder: Path) -> int | None:
    """A file descriptor that holds the lock of a folder; None where somebody else holds it, or removed it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), folder.stat()):
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def _remove_stale(folder: Path) -> None:
    if (lock := _try_lock(folder)) is None:
        return
    if _has_only_job_dirs(folder):
        shutil.rmtree(folder, ignore_errors=True)
        log.info("tempdir.stale_removed", folder=folder.name)
    os.close(lock)


def _has_only_job_dirs(folder: Path) -> bool:
    """Whatever it is called: what holds anything but folders of readings is not ours to remove."""
    return all(entry.name.startswith(JOB_DIR_PREFIX) for entry in folder.iterdir())
