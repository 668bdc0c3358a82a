"""Loads rows of chats like the service, without jobs: validate, COPY, merge, one transaction per batch."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import asyncpg

from consumer.cells.chunks import Chunk
from consumer.datasets.base import MergePlan, ValidatedBatch, database_rejection
from consumer.datasets.registry import find
from consumer.store.batches import copy_to_stages, create_temp_tables, run_merge
from consumer.store.connect import Connection

TODAY = date(2026, 3, 1)
"""The day on which these loads start."""
CHATS_DATASET = find("chats")
Row = Mapping[str, object]
FIRST_POSITION = 2
SETTINGS = {"jit": "off", "enable_bitmapscan": "off", "work_mem": "64MB", "temp_buffers": "64MB"}


@dataclass
class LoadResult:
    """The result of a load; `rejected_rows`: position → (record identifier, errors, record)."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected_rows: dict[int, tuple[str | None, Any, Any]] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)

    def counts(self) -> tuple[int, int, int, int]:
        return self.inserted, self.updated, self.unchanged, self.duplicates


@dataclass
class LoadAttempt:
    """One attempt of a load: a connection with its temp tables."""

    connection: Connection
    merge: MergePlan
    result: LoadResult

    async def store(self, batch: ValidatedBatch) -> None:
        """Commit one batch; asserts that the counts agree with it."""
        async with self.connection.transaction():
            copy_streams = {name: memoryview(text) for name, text in batch.copy_streams.items()}
            await copy_to_stages(self.connection, self.merge, copy_streams)
            counts = await run_merge(self.connection, self.merge)
            rejected = await self.connection.fetch("select * from stage_rejected_rows")
        outcomes = counts.inserted, counts.updated, counts.unchanged, counts.duplicates
        assert sum(outcomes) == batch.accepted
        assert len(rejected) == batch.rejected
        self.add_counts(outcomes, Counter(batch.warnings) + Counter(counts.warnings))
        for row in rejected:
            self.result.rejected_rows[row["position"]] = (
                row["record_identifier"], json.loads(row["errors"]), json.loads(row["record"])
            )  # fmt: skip

    def add_counts(self, outcomes: tuple[int, int, int, int], warnings: Counter[str]) -> None:
        self.result.inserted += outcomes[0]
        self.result.updated += outcomes[1]
        self.result.unchanged += outcomes[2]
        self.result.duplicates += outcomes[3]
        self.result.warnings += warnings


@asynccontextmanager
async def start_attempt(
    url: str, source_type: str = "excel", result: LoadResult | None = None
) -> AsyncIterator[LoadAttempt]:
    """A new connection with new temp tables; adds its counts to `result`."""
    connection = await asyncpg.connect(url, statement_cache_size=0, server_settings=SETTINGS)
    try:
        merge = CHATS_DATASET.make_merge_plan(source_type)
        await create_temp_tables(connection, merge)
        yield LoadAttempt(connection, merge, LoadResult() if result is None else result)
    finally:
        await connection.close()


async def load_chats(
    url: str,
    rows: Sequence[Row],
    source_type: str = "excel",
    *,
    batch_rows: int = 1000,
    rejected_by_database: Mapping[int, str] | None = None,
    crash_after: int | None = None,
) -> LoadResult:
    """Load rows; after `crash_after` batches another attempt continues from the checkpoint."""
    result, chunks = LoadResult(), make_chunks(rows, batch_rows)
    rejected = {
        position: database_rejection(state) for position, state in (rejected_by_database or {}).items()
    }
    stored = chunks[: crash_after or 0]
    if stored:
        validator = CHATS_DATASET.make_validator(source_type, TODAY)
        async with start_attempt(url, source_type, result) as first:
            for chunk in stored:
                await first.store(validator.validate(chunk, rejected))
    validator = CHATS_DATASET.make_validator(source_type, TODAY)
    async with start_attempt(url, source_type, result) as second:
        for chunk in stored:
            validator.replay(chunk, rejected)
        for chunk in chunks[len(stored) :]:
            await second.store(validator.validate(chunk, rejected))
    return result


def make_chunks(rows: Sequence[Row], size: int) -> list[Chunk]:
    """Rows as chunks, with the columns of the first row, as a source gives them."""
    return [
        make_chunk(rows[start : start + size], FIRST_POSITION + start) for start in range(0, len(rows), size)
    ]


def make_chunk(rows: Sequence[Row], first_position: int = FIRST_POSITION) -> Chunk:
    """One chunk of rows."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return Chunk(range(first_position, first_position + len(rows)), columns, lambda index: dict(rows[index]))


async def directory_tables(url: str) -> dict[str, list[tuple[Any, ...]]]:
    """The sorted rows of every table, with natural keys for ids, as `reference_tables` has them."""
    connection = await asyncpg.connect(url)
    try:
        tables = {name: await connection.fetch(query) for name, query in TABLE_QUERIES.items()}
    finally:
        await connection.close()
    return {name: sorted((tuple(row) for row in rows), key=repr) for name, rows in tables.items()}


ORG_UNIT_COLUMNS = "u.inn, u.kpp, coalesce(b.name, '') as branch, coalesce(f.name, '') as faculty"
ORG_UNIT_JOINS = """
join directory.universities u on u.id = x.university_id
left join directory.branches b on b.id = x.branch_id
left join directory.faculties f on f.id = x.faculty_id
"""
TABLE_QUERIES = {
    "universities": "select inn, kpp, name, foiv, region, region_number from directory.universities",
    "branches": """
        select u.inn, u.kpp, x.name from directory.branches x
        join directory.universities u on u.id = x.university_id""",
    "faculties": """
        select u.inn, u.kpp, coalesce(b.name, '') as branch, x.name from directory.faculties x
        join directory.universities u on u.id = x.university_id
        left join directory.branches b on b.id = x.branch_id""",
    "groups": f"select {ORG_UNIT_COLUMNS}, x.course, x.name from directory.groups x {ORG_UNIT_JOINS}",
    "chats": f"""
        select x.url, x.name, x.external_chat_id, x.participants, x.created_on, x.creator_id,
          {ORG_UNIT_COLUMNS}, x.source
        from directory.chats x {ORG_UNIT_JOINS}""",
    "chat_groups": f"""
        select c.url, {ORG_UNIT_COLUMNS}, x.course, x.name from directory.chat_groups l
        join directory.chats c on c.id = l.chat_id join directory.groups x on x.id = l.group_id
        {ORG_UNIT_JOINS}""",
    "administrators": """
        select c.url, a.phone, a.max_id, a.add_user, a.add_admin from directory.administrators a
        join directory.chats c on c.id = a.chat_id""",
}
