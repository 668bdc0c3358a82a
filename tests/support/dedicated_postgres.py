"""A Postgres alone, which one test may freeze or stop."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from devstack import postgres
from devstack.accounts import make_temporary_folder, server_account
from devstack.postgres import Postgres
from tests.support.freeze import resume_tree

WrapCommand = Callable[[list[str]], list[str]]


@contextmanager
def start_dedicated_postgres(wrap_command: WrapCommand = list) -> Iterator[Postgres]:
    """One that runs; `wrap_command` puts its command into another one that becomes it."""
    account = server_account()
    folder = make_temporary_folder(account)
    try:
        made = postgres.prepare(folder, folder / "logs", account, temporary=True)
        order = made.server.spec
        made.server.spec = replace(order, command=wrap_command(list(order.command)))
        made.server.start()
        try:
            yield made
        finally:
            if made.server.running:
                resume_tree(made.server)
                made.server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
