"""A Postgres alone, which one test may freeze or stop."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from devstack import postgres
from devstack.postgres import Postgres
from devstack.unprivileged import account_for_servers, temporary_folder
from tests.support.frozen import thaw_family


@contextmanager
def own_postgres() -> Iterator[Postgres]:
    """One that runs."""
    account = account_for_servers()
    folder = temporary_folder(account)
    try:
        made = postgres.prepare(folder, folder / "logs", account, temporary=True)
        made.server.start()
        try:
            yield made
        finally:
            if made.server.running:
                thaw_family(made.server)
                made.server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
