"""The account that runs Postgres when the caller is root, and folders that this account can reach."""

import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devstack.errors import StackError

UNPRIVILEGED_USER = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """User and group id of an account of the system."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """The account UNPRIVILEGED_USER for root, as which Postgres refuses to run; None for other callers."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
    except KeyError as error:
        raise StackError(
            f"Postgres refuses to run as root, and there is no user '{UNPRIVILEGED_USER}' to run it as."
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def is_world_accessible(path: Path) -> bool:
    """Whether every user may enter this folder and all its parents."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents])


def make_temporary_folder(account: Account | None) -> Path:
    """Create a folder for the data of servers that the account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="devstack-", dir=_temporary_root(account))).resolve()
    folder.chmod(0o755 if account else 0o700)
    return folder


def _temporary_root(account: Account | None) -> Path:
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    for root in candidates:
        if account is None or (root.is_dir() and is_world_accessible(root.resolve())):
            return root
    raise StackError(
        f"No temporary folder that other users may enter was found among {candidates}; set TMPDIR."
    )


def make_private_folder(path: Path, account: Account | None) -> Path:
    """Create the folder when it is missing; only the account may enter it."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    if account:
        os.chown(path, account.uid, account.gid)
    return path
