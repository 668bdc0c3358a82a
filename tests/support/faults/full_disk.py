"""Disks that are full for a while: real ones where the system lets us have them, else what comes closest."""

import resource
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from devstack.service import ServiceProcess
from tests.support.database_inspector import DatabaseInspector
from tests.support.faults import small_disk

FAIL_WRITES_SQL = """
create table public.full_disk ();
create function public.no_room() returns trigger language plpgsql as $$ begin
  if exists (select from public.full_disk) then
    raise exception 'no space' using errcode = '53100';
  end if;
  return null;
end $$;
do $$ declare place regclass; begin
  for place in select c.oid from pg_class c
      where c.relkind = 'r' and c.relnamespace in ('migration'::regnamespace, 'directory'::regnamespace) loop
    execute format('create trigger no_room before insert or update on %s execute function no_room()', place);
  end loop;
end $$
"""
"""Every write fails as on a full disk, while the table holds a row."""


@contextmanager
def failing_writes(db: DatabaseInspector) -> Iterator[None]:
    """In place of a small disk: Postgres answers every write with SQLSTATE 53100."""
    db.execute(FAIL_WRITES_SQL)
    db.execute("insert into public.full_disk default values")
    try:
        yield
    finally:
        db.execute("delete from public.full_disk")


@contextmanager
def full_disks(services: list[ServiceProcess], folder: Path, *, use_tmpfs: bool) -> Iterator[None]:
    """Replicas on small file systems find them full; or may not write files of more than a few bytes."""
    with ExitStack() as disks:
        for service in services:
            disks.enter_context(
                small_disk.filled(service.pid, folder)
                if use_tmpfs
                else _file_size_limit(service.pid, 100_000)
            )
        yield


@contextmanager
def _file_size_limit(pid: int, size: int) -> Iterator[None]:
    """Children that are started within inherit the limit."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)
