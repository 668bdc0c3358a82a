"""A small file system that one process alone sees, and that a test fills to the last byte.

It is a tmpfs in a mount namespace of the process: no right is needed where the system lets people have
user namespaces. Where it does not, `is_supported` says so and tests fall back on less.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devstack.accounts import Account
from tests.support.wait import wait_until

MOUNT_SCRIPT = 'mount -t tmpfs -o "size=$1,mode=0700" none "$2" && shift 2 && exec "$@"'

FILL_SCRIPT = 'while :; do head -c 1M /dev/zero >> "$1" || sleep 0.02; done'


def tmpfs_command(folder: Path, kibibytes: int, argv: Sequence[str]) -> list[str]:
    """A command with a small file system at a folder; its process id stays the one it was started with."""
    alone = ["unshare", "--map-current-user", "--keep-caps", "--mount"]
    return [*alone, "sh", "-c", MOUNT_SCRIPT, "sh", f"{kibibytes}k", str(folder), *argv]


def is_supported(account: Account | None = None) -> bool:
    """Whether this system lets an account (or us) have one."""
    return _run(tmpfs_command(Path("/tmp"), 64, ["true"]), account) == 0


@contextmanager
def filled(pid: int, folder: Path, account: Account | None = None) -> Iterator[None]:
    """Fill the small file system of a process of that account (or of ours) for the duration.

    Whatever becomes free meanwhile is taken at once.
    """
    small = f"/proc/{pid}/root{folder}"
    filling = ["sh", "-c", FILL_SCRIPT, "sh", f"{small}/ballast"]
    with subprocess.Popen(filling, stderr=subprocess.DEVNULL, **_as_user(account)) as taking:
        try:
            wait_until(lambda: os.statvfs(small).f_bavail == 0, 20, "the disk to be full")
            yield
        finally:
            taking.kill()
    assert _run(["rm", f"{small}/ballast"], account) == 0


def _run(argv: Sequence[str], account: Account | None) -> int:
    """The exit code."""
    try:
        return subprocess.run(argv, capture_output=True, check=False, **_as_user(account)).returncode
    except OSError:
        return -1


def _as_user(account: Account | None) -> dict[str, Any]:
    """Only its own account may create files there: the namespace has no other."""
    return {"user": account.uid, "group": account.gid, "extra_groups": ()} if account else {}
