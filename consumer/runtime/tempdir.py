"""The temporary directory of this process, and the removal of those that killed processes left behind.

The files in it may hold personal data. A process holds a lock on its directory until it ends, in whatever
way; a directory that is not locked belongs to no living process.
"""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import Self

import structlog

log: structlog.stdlib.BoundLogger = structlog.get_logger("tempdir")

PREFIX = "chat-migration-scratch-"
JOB_DIR_PREFIX = "job-"
"""Of the directories of extractions, inside the directory of a process."""
MAX_LOCK_ATTEMPTS = 10
"""Another process may remove a new directory before it is locked."""


class ProcessTempDir:
    """A directory at `path`, locked until `close`."""

    def __init__(self, path: Path, lock: int) -> None:
        self.path = path
        self._lock = lock

    @classmethod
    def open(cls, root: Path) -> Self:
        """Remove stale directories under `root`, and create one for this process; raises OSError."""
        for directory in sorted(root.glob(f"{PREFIX}*")):
            _remove_stale(directory)
        for _ in range(MAX_LOCK_ATTEMPTS):
            path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
            if (lock := _try_lock(path)) is not None:
                return cls(path, lock)
        raise BlockingIOError(f"folders made in {root} cannot be locked")

    def close(self) -> None:
        """Remove the directory with its contents."""
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)


def _try_lock(folder: Path) -> int | None:
    """A file descriptor that holds the lock of a directory; None if another process locked or removed it."""
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
    """Whether it may be removed: whatever its name, a directory with other contents is not one of ours."""
    return all(entry.name.startswith(JOB_DIR_PREFIX) for entry in folder.iterdir())
