"""The command `python -m devstack`: stack, up, down, status."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from devstack.dev_environment import DEFAULT_FOLDER, DevEnvironment, run_service, run_stack
from devstack.errors import StackError
from devstack.signals import exit_on_sigterm
from devstack.stack import STACK_KINDS


def main() -> int:
    """Do what the command line says; an expected failure is one sentence and exit code 1."""
    arguments = _parser().parse_args()
    checkout = DevEnvironment(arguments.folder.resolve())
    try:
        _COMMANDS[arguments.command](checkout, arguments)
    except StackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        return 1
    return 0


def _stack(checkout: DevEnvironment, arguments: argparse.Namespace) -> None:
    if checkout.stack.pid():
        print("Kafka and Postgres are running already.")
    else:
        _start_stack(checkout, arguments)
    print(f"Addresses: {checkout.env_file}; logs: {checkout.logs}.\n`make down` stops everything.")


def _up(checkout: DevEnvironment, arguments: argparse.Namespace) -> None:
    if not checkout.stack.pid():
        _start_stack(checkout, arguments)
    if checkout.service.pid():
        print("The service is running already.")
    else:
        print("Starting the service …", flush=True)
        checkout.service.start("run-service")
    page = f"http://127.0.0.1:{checkout.env()['MIGRATION_HTTP_PORT']}"
    print(
        f"The service is at {page}; logs: {checkout.logs}.\n"
        "Next: `.venv/bin/migration start excel FILE --watch`; `make down` stops everything."
    )


def _start_stack(checkout: DevEnvironment, arguments: argparse.Namespace) -> None:
    print("Starting Kafka and Postgres …", flush=True)
    checkout.stack.start("run-stack", *(["--stack", arguments.stack] if arguments.stack else []))


def _down(checkout: DevEnvironment, _: argparse.Namespace) -> None:
    for background in (checkout.service, checkout.stack):
        print(f"{background.name}: {'stopped' if background.stop() else 'was not running'}")


def _status(checkout: DevEnvironment, _: argparse.Namespace) -> None:
    for background in (checkout.stack, checkout.service):
        pid = background.pid()
        print(f"{background.name}: {f'running, process {pid}' if pid else 'not running'}")


def _run_stack(checkout: DevEnvironment, arguments: argparse.Namespace) -> None:
    exit_on_sigterm()
    run_stack(checkout, arguments.stack)


def _run_service(checkout: DevEnvironment, _: argparse.Namespace) -> None:
    exit_on_sigterm()
    run_service(checkout)


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
        "up": "the same, and the service",
        "run-stack": "stay and hold Kafka and Postgres (what `stack` runs in the background)",
    }.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--stack", choices=STACK_KINDS, help="where they come from (or MIGRATION_STACK)")
    commands.add_parser("run-service", help="stay and hold the service (what `up` runs in the background)")
    commands.add_parser("down", help="stop everything that runs in the background")
    commands.add_parser("status", help="say what is running")
    commands.add_parser("jars", help="pin Kafka's jars anew (for maintainers)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
