"""A revision of a later release, as revisions are written here: it adds, and builds indexes concurrently."""

from pathlib import Path

import pytest

from consumer.store import schema_version

LATER_REVISION = "migration_later"
INDEX_BUILD = "create unique index concurrently"

REVISION = """
from alembic import op

from consumer.store.migrations import run_sql, run_sql_outside_transaction

revision = "{revision}"
down_revision = "{previous}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        run_sql(__file__, "columns.sql")
        run_sql_outside_transaction(__file__, "indexes.sql")
    run_sql(__file__, "keys.sql")
"""
FILES = {
    f"{LATER_REVISION}.py": REVISION,
    "columns.sql": """
alter table migration.jobs add column if not exists priority integer not null default 0;
alter table migration.attempts add column if not exists zone text;
alter table migration.outbox add column if not exists lane smallint not null default 0;
alter table migration.migration_errors add column if not exists severity text not null default 'error';
alter table migration.database_rejections add column if not exists note text;
""",
    "indexes.sql": """
-- Waits for older transactions; an interrupted build leaves an invalid index behind.
set lock_timeout = 0;
drop index concurrently if exists migration.migration_errors_new_key;
create unique index concurrently migration_errors_new_key
  on migration.migration_errors (job_id, load, row_number);
drop index concurrently if exists migration.database_rejections_new_key;
create unique index concurrently database_rejections_new_key
  on migration.database_rejections (job_id, load, row_number);
""",
    "keys.sql": """
alter table migration.migration_errors
  drop constraint migration_errors_pkey,
  add constraint migration_errors_pkey primary key using index migration_errors_new_key;
alter table migration.database_rejections
  drop constraint database_rejections_pkey,
  add constraint database_rejections_pkey primary key using index database_rejections_new_key;
""",
}


def add_later_revision(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the revision to a directory, and have `migrate` and `require_current` know it."""
    [previous] = [name for name in schema_version.head_revisions() if name.startswith("migration_")]
    for name, text in FILES.items():
        content = text.replace("{revision}", LATER_REVISION).replace("{previous}", previous)
        (directory / name).write_text(content, encoding="utf-8")
    directories = [*schema_version.revision_directories(), directory]
    monkeypatch.setattr(schema_version, "revision_directories", lambda: directories)
