"""The revisions of the schema that this version has, and whether a database has them all.

The service checks at every start. It reads the revision files itself: importing Alembic takes longer than
importing the rest of the service, and as much memory.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from consumer.store.connect import Connection

STORE_DIRECTORY = Path(__file__).parent
REVISION_PATTERN = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
DOWN_REVISION_PATTERN = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)

HAS_0_1_TABLE = "select to_regclass('migration.revisions') is not null"
"""Version 0.1 kept its revisions in this table; since 0.2 they are in `migration.alembic_version`."""
HAS_0_1_REVISIONS = (
    "select exists (select from migration.revisions where version_num ~ '^(service|chats)_[0-9]+$')"
)


class SchemaOutdatedError(Exception):
    """Revisions of this version are missing in the database."""


class SchemaNotUpgradableError(SchemaOutdatedError):
    """The database has the schema of version 0.1, which no revision of this version upgrades."""

    def __init__(self, database: str) -> None:
        super().__init__(
            f"the database «{database}» has the schema of version 0.1, which version 0.2 does not upgrade: "
            "set DATABASE_URL to a new database, or export what you need and drop the schemas `migration` "
            "and `directory`, then run `migration-consumer migrate`"
        )


async def require_current(connection: Connection) -> None:
    """Raise SchemaOutdatedError where revisions of this version are missing; a newer schema is accepted."""
    await require_upgradable(connection)
    present: set[str] = set()
    if await connection.fetchval("select to_regclass('migration.alembic_version')"):
        rows = await connection.fetch("select version_num from migration.alembic_version")
        present = {row[0] for row in rows}
    missing = head_revisions() - present
    if missing and present <= known_revisions():
        raise SchemaOutdatedError(
            f"the database schema is behind this version ({', '.join(sorted(missing))} missing): "
            "run `migration-consumer migrate` first"
        )


async def require_upgradable(connection: Connection) -> None:
    """Raise SchemaNotUpgradableError where the database has the schema of version 0.1."""
    if await connection.fetchval(HAS_0_1_TABLE) and await connection.fetchval(HAS_0_1_REVISIONS):
        raise SchemaNotUpgradableError(await connection.fetchval("select current_database()"))


def revision_directories() -> list[Path]:
    """Directories of revisions: one of the service, and one of each dataset."""
    return [
        STORE_DIRECTORY / "migrations" / "versions",
        *sorted(STORE_DIRECTORY.parent.glob("datasets/*/revisions")),
    ]


def known_revisions() -> set[str]:
    """Ids of all revisions of this version."""
    return {name for text in _revision_sources() for name in REVISION_PATTERN.findall(text)}


def head_revisions() -> set[str]:
    """Ids of the last revision of the service and of each dataset."""
    return known_revisions() - {
        name for text in _revision_sources() for name in DOWN_REVISION_PATTERN.findall(text)
    }


def _revision_sources() -> Iterator[str]:
    for directory in revision_directories():
        for file in directory.glob("*.py"):
            yield file.read_text(encoding="utf-8")
