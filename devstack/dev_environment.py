"""The folder `.devstack` of a checkout, and the background processes of `make stack` and `make up`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from devstack import ROOT
from devstack.daemon import Daemon
from devstack.errors import StackError
from devstack.ports import free_ports, is_free
from devstack.server import Server
from devstack.service import watched_service
from devstack.stack_kinds import start_stack

DEFAULT_FOLDER = ROOT / ".devstack"
DEFAULT_HTTP_PORT = 8084
POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class DevEnvironment:
    """The folder `.devstack` of a checkout: data, logs, and the file `env` while a stack is running."""

    folder: Path

    @property
    def stack(self) -> Daemon:
        """The process that holds Kafka and Postgres."""
        return Daemon("stack", self.folder)

    @property
    def service(self) -> Daemon:
        """The process that holds the service."""
        return Daemon("service", self.folder)

    @property
    def logs(self) -> Path:
        """The folder of all log files."""
        return self.folder / "logs"

    @property
    def env_file(self) -> Path:
        """Settings of the service and the command line: addresses of the stack, inbox, HTTP port."""
        return self.folder / "env"

    def env(self) -> dict[str, str]:
        """The settings in the file `env`."""
        lines = self.env_file.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def write_env(self, stack_env: dict[str, str]) -> None:
        """Write the file `env`, readable only by its owner, since it holds the password of Postgres."""
        inbox = self.folder / "inbox"
        inbox.mkdir(exist_ok=True)
        service_env = {
            "MIGRATION_INBOX": str(inbox),
            "MIGRATION_HTTP_HOST": "127.0.0.1",
            "MIGRATION_HTTP_PORT": str(DEFAULT_HTTP_PORT if is_free(DEFAULT_HTTP_PORT) else free_ports(1)[0]),
        }
        lines = [f"{name}={value}\n" for name, value in {**stack_env, **service_env}.items()]
        self.env_file.touch(0o600)
        self.env_file.write_text("".join(lines))


def run_stack(environment: DevEnvironment, kind: str | None) -> None:
    """Run as the background process that holds the stack, until SIGTERM or the end of one of its servers."""
    with environment.stack.hold_lock() as lock, start_stack(kind, directory=environment.folder) as stack:
        environment.write_env(stack.env)
        try:
            lock.mark_ready()
            watch_servers(stack.servers)
        finally:
            environment.env_file.unlink(missing_ok=True)


def run_service(environment: DevEnvironment) -> None:
    """Run as the background process that holds the service, until SIGTERM or the end of the service."""
    with (
        environment.service.hold_lock() as lock,
        watched_service(environment.env(), environment.logs / "consumer.log") as service,
    ):
        lock.mark_ready()
        watch_servers([service])


def watch_servers(servers: Sequence[Server]) -> NoReturn:
    """Wait for a signal; raise StackError when a server ends by itself."""
    while True:
        for server in servers:
            if not server.running:
                raise StackError(f"{server.spec.name} has ended. The end of its log:\n{server.log_tail()}")
        time.sleep(POLL_SECONDS)
