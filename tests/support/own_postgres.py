"""A Postgres alone, which one test may freeze or stop."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from devstack import postgres
from devstack.postgres import Postgres
from devstack.unprivileged import account_for_servers, temporary_folder
from tests.support.frozen import thaw_family

Wrap = Callable[[list[str]], list[str]]


@contextmanager
def own_postgres(within: Wrap = list) -> Iterator[Postgres]:
    """One that runs; `within` puts its command into another one that becomes it."""
    account = account_for_servers()
    folder = temporary_folder(account)
    try:
        made = postgres.prepare(folder, folder / "logs", account, temporary=True)
        order = made.server.order
        made.server.order = replace(order, command=within(list(order.command)))
        made.server.start()
        try:
            yield made
        finally:
            if made.server.running:
                thaw_family(made.server)
                made.server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
