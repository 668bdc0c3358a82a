"""The revisions of the schema that this version has, and whether a database has them all.

The service looks at every start. It reads the files itself: the library that runs them takes longer
to load than all the rest of the service, and as much memory.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from consumer.store.connect import Connection

STORE_DIRECTORY = Path(__file__).parent
REVISION_PATTERN = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
DOWN_REVISION_PATTERN = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)


class SchemaOutdatedError(Exception):
    """The database is behind this version of the service."""


async def require_current(connection: Connection) -> None:
    """Raise SchemaOutdatedError where revisions of this version are missing; a newer schema is fine."""
    there: set[str] = set()
    if await connection.fetchval("select to_regclass('migration.revisions')"):
        there = {row[0] for row in await connection.fetch("select version_num from migration.revisions")}
    missing = head_revisions() - there
    if missing and there <= known_revisions():
        raise SchemaOutdatedError(
            f"the database schema is behind this version ({', '.join(sorted(missing))} missing): "
            "run `migration-consumer migrate` first"
        )


def revision_directories() -> list[Path]:
    """Where revisions lie: those of the service, and those of each dataset."""
    return [
        STORE_DIRECTORY / "migrations" / "versions",
        *sorted(STORE_DIRECTORY.parent.glob("datasets/*/revisions")),
    ]


def known_revisions() -> set[str]:
    """All revisions."""
    return {name for text in _revision_sources() for name in REVISION_PATTERN.findall(text)}


def head_revisions() -> set[str]:
    """The last revision of the service and of each dataset."""
    return known_revisions() - {
        name for text in _revision_sources() for name in DOWN_REVISION_PATTERN.findall(text)
    }


def _revision_sources() -> Iterator[str]:
    for folder in revision_directories():
        for file in folder.glob("*.py"):
            yield file.read_text(encoding="utf-8")
