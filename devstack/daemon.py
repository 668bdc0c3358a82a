"""Processes that outlive the command that started them, one of each name in a folder.

A background process holds a lock on its file for as long as it lives: so a process id in that file is ours
as long as the lock is held, and nobody's otherwise.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError

READY_MARK = "ready"
START_TIMEOUT_SECONDS = 300
STOP_TIMEOUT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Daemon:
    """The background process of one name; its files are `<name>.lock` and `logs/<name>.log` of the folder."""

    name: str
    folder: Path

    @property
    def log_file(self) -> Path:
        """Where it writes what it has to say."""
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def lock_file(self) -> Path:
        """The file it keeps locked."""
        return self.folder / f"{self.name}.lock"

    def pid(self) -> int | None:
        """Its process id, or None when it is not running."""
        with contextlib.suppress(FileNotFoundError), self.lock_file.open("r") as file:
            if _locked_by_another(file.fileno()):
                return int((file.read().split() or ["0"])[0]) or None
        return None

    def start(self, *arguments: str) -> None:
        """Start it and return when it says that it is ready; StackError with the end of its log otherwise."""
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "devstack", "--folder", str(self.folder), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready(process)
        except BaseException:
            process.terminate()
            raise

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not self._is_ready(process.pid):
            if process.poll() is not None:
                raise StackError(self.log_file.read_text(errors="replace").strip().removeprefix("devstack: "))
            if time.monotonic() > deadline:
                raise StackError(
                    f"The {self.name} did not come up in {START_TIMEOUT_SECONDS} seconds, see {self.log_file}."
                )
            time.sleep(0.1)

    def _is_ready(self, pid: int) -> bool:
        with contextlib.suppress(FileNotFoundError):
            return self.lock_file.read_text().split() == [str(pid), READY_MARK]
        return False

    def stop(self) -> bool:
        """Ask it to end and wait for that; False when it was not running."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_SECONDS
        while self.pid() == pid:
            if time.monotonic() > deadline:
                raise StackError(f"The {self.name} (process {pid}) does not end, see {self.log_file}.")
            time.sleep(0.1)
        return True

    @contextmanager
    def hold_lock(self) -> Iterator["DaemonLock"]:
        """Be that process: hold the lock; StackError when another one does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.lock_file.open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StackError(f"The {self.name} is running already.") from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield DaemonLock(self.lock_file)
            finally:
                file.truncate(0)


@dataclass(frozen=True, slots=True)
class DaemonLock:
    """The side of the background process itself."""

    lock_file: Path

    def mark_ready(self) -> None:
        """Tell whoever waits for it."""
        self.lock_file.write_text(f"{os.getpid()}\n{READY_MARK}\n")


def _locked_by_another(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
