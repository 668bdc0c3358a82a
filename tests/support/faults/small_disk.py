"""A small file system that one process alone sees, and that a test fills to the last byte.

It is a tmpfs in a mount namespace of the process: no right is needed where the system lets people have
user namespaces. Where it does not, `possible` says so and tests fall back on less.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from devstack.unprivileged import Account

PIECE = b"x" * 4096
MOUNT = 'mount -t tmpfs -o "size=$1,mode=0700" none "$2" && shift 2 && exec "$@"'
BALLAST = "ballast"


def command(folder: Path, kibibytes: int, then: Sequence[str]) -> list[str]:
    """A command with a small file system at a folder; its process id stays the one it was started with."""
    alone = ["unshare", "--map-current-user", "--keep-caps", "--mount"]
    return [*alone, "sh", "-c", MOUNT, "sh", f"{kibibytes}k", str(folder), *then]


def possible(account: Account | None = None) -> bool:
    """Whether this system lets an account (or us) have one."""
    known = {"user": account.uid, "group": account.gid, "extra_groups": ()} if account else {}
    try:
        tried = subprocess.run(command(Path("/tmp"), 64, ["true"]), capture_output=True, check=False, **known)  # type: ignore[call-overload]
    except OSError:
        return False
    return bool(tried.returncode == 0)


@contextmanager
def filled(pid: int, folder: Path) -> Iterator[None]:
    """No room within, on the small file system of a process."""
    ballast = Path(f"/proc/{pid}/root{folder}") / BALLAST
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(PIECE):
                pass
        except OSError:
            pass
    try:
        yield
    finally:
        ballast.unlink()
