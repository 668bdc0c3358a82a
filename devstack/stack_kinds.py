"""The kinds of stack (embedded, docker, external), and how one is chosen and started."""

import os
from pathlib import Path

from devstack import containers, embedded
from devstack.errors import StackError
from devstack.stack import Stack

STACK_KINDS = ("auto", "embedded", "docker", "external")


def choose_stack_kind(kind: str | None = None) -> str:
    """The kind given, else that of MIGRATION_STACK, else `auto`; `auto` is resolved. Raises StackError.

    `auto` is `external` when KAFKA_BOOTSTRAP_SERVERS and DATABASE_URL are set, else `embedded`.
    """
    kind = kind or os.environ.get("MIGRATION_STACK") or "auto"
    if kind not in STACK_KINDS:
        raise StackError(
            f"There is no stack '{kind}'; --stack and MIGRATION_STACK take one of {', '.join(STACK_KINDS)}."
        )
    if kind != "auto":
        return kind
    both = os.environ.get("KAFKA_BOOTSTRAP_SERVERS") and os.environ.get("DATABASE_URL")
    return "external" if both else "embedded"


def start_stack(kind: str | None = None, brokers: int = 1, directory: Path | None = None) -> Stack:
    """Start Kafka and Postgres and return when both are ready. Raises StackError.

    Args:
        kind: one of STACK_KINDS; None asks the environment.
        brokers: number of Kafka brokers; only the embedded stack has more than one.
        directory: keeps data and logs of the embedded stack; None is a temporary folder, removed at the end.
    """
    kind = choose_stack_kind(kind)
    if kind != "embedded" and brokers != 1:
        raise StackError(f"{brokers} brokers can be had from the embedded stack only, not from '{kind}'.")
    match kind:
        case "embedded":
            return embedded.start(brokers, directory)
        case "docker":
            return containers.start()
        case _:
            return external_stack()


def external_stack() -> Stack:
    """Servers that are already running, from the environment. Raises StackError."""
    names = ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL")
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        raise StackError(f"The external stack needs {' and '.join(missing)} in the environment.")
    return Stack("external", {name: os.environ[name] for name in names})
