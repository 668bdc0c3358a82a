"""Deletes the rejected and refused rows of older loads, which no reader sees any more.

A load only ever gets older, so what is found to be an older one stays one: neither a retry, nor a newer load,
nor a second replica that does the same can make a deletion wrong.
"""

from consumer.store.connect import Connection
from consumer.store.database import Database
from consumer.store.ended import PIECE_ROWS, Breathe

JOBS = """
select id, load from migration.jobs where oldest_load < load and id > $1 order by id limit $2
"""

# $1 job, $2 its present load, $3 and $4 load and row number to go on behind, $5 how many rows. By their
# places in the table: no plan for that reads all of it. What another replica is deleting is passed by.
REJECTED_PIECE = """
with piece as materialized (
  select ctid, load, row_number from migration.migration_errors
  where job_id = $1 and load < $2 and (load, row_number) > ($3, $4)
  order by load, row_number limit $5 for update skip locked),
gone as (delete from migration.migration_errors where ctid = any(array(select ctid from piece)) returning 1)
select load, row_number, (select count(*) from gone) as removed
from piece order by load desc, row_number desc limit 1
"""

REFUSED_PIECE = """
with piece as materialized (
  select ctid, load, row_number from migration.refused_rows
  where job_id = $1 and load < $2 and (load, row_number) > ($3, $4)
  order by load, row_number limit $5 for update skip locked),
gone as (delete from migration.refused_rows where ctid = any(array(select ctid from piece)) returning 1)
select load, row_number, (select count(*) from gone) as removed
from piece order by load desc, row_number desc limit 1
"""

LOWEST = -(2**63)


async def prune_older_loads(database: Database, breathe: Breathe) -> int:
    """Delete the rejected and refused rows of all older loads, PIECE_ROWS a transaction; how many.

    Raises DatabaseUnavailable, Conflict.
    """
    removed = 0
    last = 0
    while True:
        async with database.transaction() as connection:
            jobs = await connection.fetch(JOBS, last, PIECE_ROWS)
        for job_id, load in jobs:
            removed += await _prune(database, job_id, load, breathe)
            last = job_id
        if len(jobs) < PIECE_ROWS:
            return removed


async def _prune(database: Database, job_id: int, load: int, breathe: Breathe) -> int:
    removed = 0
    for piece in (REFUSED_PIECE, REJECTED_PIECE):
        removed += await _delete_in_pieces(database, piece, job_id, load, breathe)
    async with database.transaction() as connection:
        await _note_deleted(connection, job_id, load)
    return removed


async def _delete_in_pieces(database: Database, piece: str, job_id: int, load: int, breathe: Breathe) -> int:
    removed = 0
    behind = (LOWEST, LOWEST)
    while True:
        async with database.transaction() as connection:
            row = await connection.fetchrow(piece, job_id, load, *behind, PIECE_ROWS)
        if row is None:
            return removed
        removed += row["removed"]
        behind = (row["load"], row["row_number"])
        await breathe()


# A job whose row is locked is left to the next round, and so is one that has rows still: another replica was
# about to delete them, and may not come to it.
NOTE_DELETED = """
update migration.jobs set oldest_load = $2
where id = (select id from migration.jobs where id = $1 and oldest_load < $2 for no key update skip locked)
  and not exists (select from migration.migration_errors where job_id = $1 and load < $2)
  and not exists (select from migration.refused_rows where job_id = $1 and load < $2)
"""


async def _note_deleted(connection: Connection, job_id: int, load: int) -> None:
    """Keep in the job that loads before `load` have no rows, so that it is not looked at again."""
    await connection.execute(NOTE_DELETED, job_id, load)
