"""The revisions of the schema that this version has, and whether a database has them all.

The service looks at every start. It reads the files itself: the library that runs them takes longer
to load than all the rest of the service, and as much memory.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from consumer.store.connect import Connection

HERE = Path(__file__).parent
REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
BEFORE = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)


class SchemaOutdated(Exception):
    """The database is behind this version of the service."""


async def check(connection: Connection) -> None:
    """Raise SchemaOutdated where revisions of this version are missing; a newer schema is fine."""
    there: set[str] = set()
    if await connection.fetchval("select to_regclass('migration.revisions')"):
        there = {row[0] for row in await connection.fetch("select version_num from migration.revisions")}
    missing = heads() - there
    if missing and there <= known():
        raise SchemaOutdated(
            f"the database schema is behind this version ({', '.join(sorted(missing))} missing): "
            "run `migration-consumer migrate` first"
        )


def folders() -> list[Path]:
    """Where revisions lie: those of the service, and those of each dataset."""
    return [HERE / "migrations" / "versions", *sorted(HERE.parent.glob("datasets/*/revisions"))]


def known() -> set[str]:
    """All revisions."""
    return {name for text in _texts() for name in REVISION.findall(text)}


def heads() -> set[str]:
    """The last revision of the service and of each dataset."""
    return known() - {name for text in _texts() for name in BEFORE.findall(text)}


def _texts() -> Iterator[str]:
    for folder in folders():
        for file in folder.glob("*.py"):
            yield file.read_text(encoding="utf-8")
