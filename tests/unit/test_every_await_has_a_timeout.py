"""I10: every await of something external has a timeout, checked in the source code.

A new call into a driver without a timeout fails here, before a server has to hang.
"""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from asyncpg.transaction import Transaction

ROOT = Path(__file__).parents[2]
OPENERS = {"connect", "create_pool"}
KAFKA = (AIOKafkaConsumer, AIOKafkaProducer, AIOKafkaAdminClient)
KAFKA_NAMES = {"consumer", "_consumer", "producer", "_producer", "client", "_client"}
"""What the library's objects are called in `messaging`; there our own have other names."""
POSTGRES = (asyncpg.Connection, asyncpg.Pool, Transaction)
BORROWED_NAME = "connection"
"""A parameter of this name is a connection with a limit on each statement; who lends it bounds the whole."""

EXEMPT = {
    "consumer/store/foreign_keys.py": "asked for by a person; an hour for each statement",
    "consumer/store/stored_values.py": "asked for by a person, in `doctor`; an hour for each statement",
    "consumer/store/migrate.py": "the command `migrate`: waits for its neighbours, and may be interrupted",
    "consumer/store/trial_merge.py": "a part of the search that `Session` bounds",
    "consumer/store/connect.py": "listening begins under a limit of `listen`",
    "consumer/store/batches.py": "the batch that `Session` bounds",
}
"""Files whose statements have their limit elsewhere."""


def methods(*kinds: type) -> set[str]:
    """The names of what can be awaited of them."""
    return {
        name
        for kind in kinds
        for name, method in inspect.getmembers(kind)
        if not name.startswith("_") and inspect.iscoroutinefunction(method)
    }


def parse_packages(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


Awaited = tuple[ast.Call, list[ast.AST]]


def awaited(tree: ast.Module) -> Iterator[Awaited]:
    """Each call that is awaited directly, with the nodes around it, from outside in."""

    def walk(node: ast.AST, around: list[ast.AST]) -> Iterator[Awaited]:
        if isinstance(node, ast.Await) and isinstance(node.value, ast.Call):
            yield node.value, around
        for child in ast.iter_child_nodes(node):
            yield from walk(child, [*around, node])

    yield from walk(tree, [])


def callee_name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def receiver_name(call: ast.Call) -> str:
    """The last name of what a method is called on."""
    on = call.func.value if isinstance(call.func, ast.Attribute) else None
    return on.attr if isinstance(on, ast.Attribute) else on.id if isinstance(on, ast.Name) else ""


def keyword_names(call: ast.Call) -> set[str | None]:
    return {keyword.arg for keyword in call.keywords}


def is_bounded(around: list[ast.AST]) -> bool:
    """Whether it is inside of a block with a timeout."""
    limits = (
        "asyncio.timeout",
        "asyncio.timeout_at",
        "terminate_at",
        ".transaction(",
        ".read_transaction(",
        "_time_limit(",
    )
    blocks = [node for node in around if isinstance(node, ast.AsyncWith | ast.With)]
    heads = [ast.unparse(item.context_expr) for block in blocks for item in block.items]
    return any(limit in head for head in heads for limit in limits)


def is_borrowed(call: ast.Call, around: list[ast.AST]) -> bool:
    """Whether it goes to a connection that was handed in."""
    functions = [node for node in around if isinstance(node, ast.AsyncFunctionDef)]
    arguments = {argument.arg for function in functions for argument in function.args.args}
    return receiver_name(call) == BORROWED_NAME and BORROWED_NAME in arguments


def location(file: str, call: ast.Call) -> str:
    return f"{file}:{call.lineno} {ast.unparse(call.func)}"


def test_every_postgres_statement_has_a_timeout() -> None:
    wanted = methods(*POSTGRES) | {"acquire"}  # which gives something else that is awaited
    unbounded = [
        location(file, call)
        for file, tree in parse_packages("consumer")
        for call, around in awaited(tree)
        if callee_name(call) in wanted
        and receiver_name(call)
        in {
            "connection",
            "_connection",
            "pool",
            "begun",
            "savepoint",
            "outer_transaction",
            "_outer_transaction",
        }
        and file not in EXEMPT
        and not ("timeout" in keyword_names(call) or is_bounded(around) or is_borrowed(call, around))
    ]
    assert unbounded == []


def test_every_postgres_connection_sets_both_timeouts() -> None:
    """One timeout is for connecting, the other for each statement."""
    made = [
        (location(file, call), {"timeout", "command_timeout"} - keyword_names(call))
        for file, tree in parse_packages("consumer")
        for call, _ in awaited(tree)
        if callee_name(call) in OPENERS and receiver_name(call) == "asyncpg"
    ]
    assert len(made) >= 5
    assert [call_location for call_location, missing in made if missing] == []


def test_batch_and_rejected_row_search_run_under_a_timeout() -> None:
    """COPY has none of its own, whatever the connection was made with."""
    calls = [
        (location(file, call), is_bounded(around))
        for file, tree in parse_packages("consumer")
        for call, around in awaited(tree)
        if ast.unparse(call.func).split(".")[-1] in {"commit_batch", "find_rejected_rows"}
    ]
    assert [limited for _, limited in calls] == [True, True], calls


def test_kafka_library_is_awaited_only_with_a_deadline() -> None:
    wanted = methods(*KAFKA)
    unguarded = [
        location(file, call)
        for file, tree in parse_packages("messaging")
        for call, _ in awaited(tree)
        if (callee_name(call) in wanted and receiver_name(call) in KAFKA_NAMES)
        or receiver_name(call) == "aiokafka_private"
    ]
    assert unguarded == []
    text = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "messaging").rglob("*.py"))
    assert text.count("call_with_deadline(") > 10, "the guard has another name by now"


def test_child_exit_is_awaited_with_a_timeout() -> None:
    tree = ast.parse((ROOT / "consumer/worker/extractor_process.py").read_text(encoding="utf-8"))
    waits = [
        (location("child.py", call), is_bounded(around))
        for call, around in awaited(tree)
        if callee_name(call) == "wait"
    ]
    assert waits
    assert [call_location for call_location, limited in waits if not limited] == []


@pytest.mark.parametrize("package", ["consumer/sources/google_sheets", "producer_cli", "consumer/http"])
def test_every_http_request_has_a_timeout(package: str) -> None:
    methods_used = {"request", "get", "post", "stream", "Client", "AsyncClient"}
    on = {"httpx", "session", "requests"}
    unbounded = [
        location(file, node)
        for file, tree in parse_packages(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and callee_name(node) in methods_used
        and receiver_name(node) in on
        and not {"timeout", None} & keyword_names(node)
    ]
    assert unbounded == []
