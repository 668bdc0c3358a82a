"""Background processes that outlive the command that started them, one of each name in a folder.

A daemon holds a lock on its file while it runs, so a process id in that file is valid only while the lock is
held.
"""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError
from devstack.waiting import wait_until

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
        """Its standard output and error."""
        return self.folder / "logs" / f"{self.name}.log"

    @property
    def lock_file(self) -> Path:
        """The file that it locks while it runs."""
        return self.folder / f"{self.name}.lock"

    def pid(self) -> int | None:
        """Its process id, or None when it is not running."""
        with contextlib.suppress(FileNotFoundError), self.lock_file.open("r") as file:
            if _locked_by_another(file.fileno()):
                return int((file.read().split() or ["0"])[0]) or None
        return None

    def start(self, *arguments: str) -> None:
        """Start it and return when it is ready. Raises StackError with its log when it ends before that."""
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
            wait_until(
                lambda: self._is_ready(process),
                START_TIMEOUT_SECONDS,
                f"the {self.name} to be ready, see {self.log_file}",
            )
        except BaseException:
            process.terminate()
            raise

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        with contextlib.suppress(FileNotFoundError):
            if self.lock_file.read_text().split() == [str(process.pid), READY_MARK]:
                return True
        if process.poll() is not None:
            raise StackError(self.log_file.read_text(errors="replace").strip().removeprefix("devstack: "))
        return False

    def stop(self) -> bool:
        """Send SIGTERM and wait for its end; False when it was not running."""
        pid = self.pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        wait_until(
            lambda: self.pid() != pid,
            STOP_TIMEOUT_SECONDS,
            f"the {self.name} (process {pid}) to end, see {self.log_file}",
        )
        return True

    @contextmanager
    def hold_lock(self) -> Iterator["DaemonLock"]:
        """Hold the lock as this daemon. Raises StackError when another process holds it."""
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
    """The lock, as the daemon that holds it sees it."""

    lock_file: Path

    def mark_ready(self) -> None:
        """End the wait of the process that started this one."""
        self.lock_file.write_text(f"{os.getpid()}\n{READY_MARK}\n")


def _locked_by_another(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
