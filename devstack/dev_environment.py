"""What `make stack`, `make up` and `make down` do: a stack and a service in the background of a checkout."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devstack.daemon import Daemon
from devstack.errors import StackError
from devstack.ports import free_ports, is_free
from devstack.server import Server, ServerSpec
from devstack.stack import start_stack

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_FOLDER = ROOT / ".devstack"
DEFAULT_HTTP_PORT = 8084
POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class DevEnvironment:
    """The folder `.devstack` of a checkout: data, logs, and `env` while a stack is running."""

    folder: Path

    @property
    def stack(self) -> Daemon:
        """Kafka and Postgres."""
        return Daemon("stack", self.folder)

    @property
    def service(self) -> Daemon:
        """The service."""
        return Daemon("service", self.folder)

    @property
    def logs(self) -> Path:
        """Where everything logs."""
        return self.folder / "logs"

    @property
    def env_file(self) -> Path:
        """What the service and the command line need to know."""
        return self.folder / "env"

    def env(self) -> dict[str, str]:
        """The lines of the file `env`."""
        lines = self.env_file.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def write_env(self, stack_env: dict[str, str]) -> None:
        """Write `env`, for nobody else to read since it holds a password."""
        inbox = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        own = {
            "MIGRATION_INBOX": str(inbox),
            "MIGRATION_HTTP_HOST": "127.0.0.1",
            "MIGRATION_HTTP_PORT": str(DEFAULT_HTTP_PORT if is_free(DEFAULT_HTTP_PORT) else free_ports(1)[0]),
        }
        self.env_file.touch(0o600)
        self.env_file.write_text("".join(f"{name}={value}\n" for name, value in {**stack_env, **own}.items()))


def run_stack(environment: DevEnvironment, kind: str | None) -> None:
    """Be the background process that holds the stack, until SIGTERM or the end of a server."""
    with environment.stack.hold_lock() as held, start_stack(kind, directory=environment.folder) as stack:
        environment.write_env(stack.env)
        try:
            held.mark_ready()
            watch_servers(stack.servers)
        finally:
            environment.env_file.unlink(missing_ok=True)


def run_service(environment: DevEnvironment) -> None:
    """Be the background process that holds the service, until SIGTERM or the end of the service."""
    with (
        environment.service.hold_lock() as held,
        running_service(environment.env(), environment.logs) as service,
    ):
        held.mark_ready()
        watch_servers([service])


@contextmanager
def running_service(env: dict[str, str], logs: Path) -> Iterator[Server]:
    """Bring the schema up to date, start the service, and stop it at the end."""
    logs.mkdir(parents=True, exist_ok=True)
    _migrate_schema(env)
    ready_url = f"http://127.0.0.1:{env['MIGRATION_HTTP_PORT']}/readyz"
    order = ServerSpec(
        name="The service",
        command=[sys.executable, "-m", "consumer", "run"],
        folder=ROOT,
        log=logs / "consumer.log",
        ready=lambda _: responds_ok(ready_url),
        env=env,
        stop_timeout=40.0,
    )
    server = Server(order)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _migrate_schema(env: dict[str, str]) -> None:
    order = [sys.executable, "-m", "consumer", "migrate"]
    done = subprocess.run(order, env={**os.environ, **env}, cwd=ROOT, capture_output=True, check=False)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).decode(errors="replace").strip()
        raise StackError(f"The database schema could not be brought up to date: {said}")


def responds_ok(url: str) -> bool:
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=POLL_SECONDS) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def watch_servers(servers: Sequence[Server]) -> NoReturn:
    """Wait for a signal; raise StackError when a server ends by itself."""
    while True:
        for server in servers:
            if not server.running:
                raise StackError(f"{server.spec.name} has ended. The end of its log:\n{server.log_tail()}")
        time.sleep(POLL_SECONDS)
