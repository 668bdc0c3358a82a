"""The command `python -m devstack`: stack, up, down, status, and what they run in the background."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from devstack.dev_environment import DEFAULT_FOLDER, DevEnvironment, run_service, run_stack
from devstack.errors import StackError
from devstack.signals import exit_on_sigterm
from devstack.stack_kinds import STACK_KINDS


def main() -> int:
    """Run one command; a StackError becomes one sentence on standard error and exit code 1."""
    arguments = _parser().parse_args()
    environment = DevEnvironment(arguments.folder.resolve())
    try:
        _COMMANDS[arguments.command](environment, arguments)
    except StackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    return 0


def _stack(environment: DevEnvironment, arguments: argparse.Namespace) -> None:
    if environment.stack.pid():
        print("Kafka and Postgres are running already.")
    else:
        _start_stack(environment, arguments)
    print(f"Addresses: {environment.env_file}; logs: {environment.logs}.\n`make down` stops everything.")


def _up(environment: DevEnvironment, arguments: argparse.Namespace) -> None:
    if not environment.stack.pid():
        _start_stack(environment, arguments)
    if environment.service.pid():
        print("The service is running already.")
    else:
        print("Starting the service …", flush=True)
        environment.service.start("run-service")
    page = f"http://127.0.0.1:{environment.env()['MIGRATION_HTTP_PORT']}"
    print(
        f"The page of the service is {page} (open it in a browser); logs: {environment.logs}.\n"
        "Next: drop a workbook there, or `.venv/bin/migration start excel FILE --watch`; "
        "`make down` stops everything."
    )


def _start_stack(environment: DevEnvironment, arguments: argparse.Namespace) -> None:
    print("Starting Kafka and Postgres …", flush=True)
    environment.stack.start("run-stack", *(["--stack", arguments.stack] if arguments.stack else []))


def _down(environment: DevEnvironment, _: argparse.Namespace) -> None:
    for daemon in (environment.service, environment.stack):
        print(f"{daemon.name}: {'stopped' if daemon.stop() else 'was not running'}")


def _status(environment: DevEnvironment, _: argparse.Namespace) -> None:
    for daemon in (environment.stack, environment.service):
        pid = daemon.pid()
        print(f"{daemon.name}: {f'running, process {pid}' if pid else 'not running'}")


def _run_stack(environment: DevEnvironment, arguments: argparse.Namespace) -> None:
    exit_on_sigterm()
    run_stack(environment, arguments.stack)


def _run_service(environment: DevEnvironment, _: argparse.Namespace) -> None:
    exit_on_sigterm()
    run_service(environment)


def _relock_jars(_: DevEnvironment, __: argparse.Namespace) -> None:
    from devstack import jars

    jars.relock()


_COMMANDS: dict[str, Callable[[DevEnvironment, argparse.Namespace], None]] = {
    "stack": _stack,
    "up": _up,
    "down": _down,
    "status": _status,
    "run-stack": _run_stack,
    "run-service": _run_service,
    "jars": _relock_jars,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="data, logs and addresses (.devstack)"
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in {
        "stack": "start Kafka and Postgres and leave them running",
        "up": "start Kafka, Postgres and the service and leave them running",
        "run-stack": "run Kafka and Postgres in the foreground (`stack` starts this in the background)",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--stack", choices=STACK_KINDS, help="where they come from (or MIGRATION_STACK)")
    commands.add_parser(
        "run-service", help="run the service in the foreground (`up` starts this in the background)"
    )
    commands.add_parser("down", help="stop everything that runs in the background")
    commands.add_parser("status", help="show what is running")
    commands.add_parser("jars", help="resolve Kafka's jars and write jars.lock (for maintainers)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
