"""Leases: who works on a job and who is the relay, by the database's clock and with fencing tokens."""

from dataclasses import dataclass

from consumer.errors import LeaseLostError
from consumer.store.connect import Connection

RELAY_LEASE = "relay"


def job_lease_name(job_id: int) -> str:
    """The name of a job's lease."""
    return f"job:{job_id}"


@dataclass(frozen=True, slots=True)
class FencingToken:
    """What every write of an owner carries: the job and the token of the claim."""

    job_id: int
    token: int


OVERWRITE = """
insert into migration.leases as l (name, owner, token, expires_at)
values ($1, $2, $3, clock_timestamp() + make_interval(secs => $4))
on conflict (name) do update
  set owner = excluded.owner, token = excluded.token, expires_at = excluded.expires_at,
      backend_pid = null, backend_start = null
"""


async def overwrite(connection: Connection, name: str, owner: str, token: int, seconds: float) -> None:
    """Write a lease, whoever held it: the caller has made sure that it may."""
    await connection.execute(OVERWRITE, name, owner, token, seconds)


TRY_ACQUIRE = """
insert into migration.leases as l (name, owner, token, expires_at)
values ($1, $2, nextval('migration.fencing_token_seq'), clock_timestamp() + make_interval(secs => $3))
on conflict (name) do update
  set owner = excluded.owner, token = excluded.token, expires_at = excluded.expires_at
  where l.expires_at < clock_timestamp()
returning token
"""


async def try_acquire(connection: Connection, name: str, owner: str, seconds: float) -> int | None:
    """Take a lease nobody holds; its token, or None while somebody else is alive."""
    return await connection.fetchval(TRY_ACQUIRE, name, owner, seconds)  # type: ignore[no-any-return]


RENEW = """
update migration.leases set expires_at = clock_timestamp() + make_interval(secs => $3)
where name = $1 and token = $2
returning true
"""


async def renew(connection: Connection, name: str, token: int, seconds: float) -> None:
    """Prolong a lease; raises LeaseLostError where the token is no longer the one on it."""
    if not await connection.fetchval(RENEW, name, token, seconds):
        raise LeaseLostError


RENEW_JOB_LEASE = """
with beat as (
  update migration.leases set expires_at = clock_timestamp() + make_interval(secs => $3)
  where name = $4 and token = $2 returning token)
select j.cancel_requested from migration.jobs j join beat using (token) where j.id = $1
"""


async def renew_job_lease(connection: Connection, fence: FencingToken, seconds: float) -> bool:
    """Prolong a job's lease; true when somebody wants it cancelled. Raises LeaseLostError."""
    wanted = await connection.fetchval(
        RENEW_JOB_LEASE, fence.job_id, fence.token, seconds, job_lease_name(fence.job_id)
    )
    if wanted is None:
        raise LeaseLostError
    return bool(wanted)


RELEASE = "delete from migration.leases where name = $1 and token = $2"


async def release(connection: Connection, name: str, token: int) -> None:
    """Hand a lease back."""
    await connection.execute(RELEASE, name, token)


RECORD_BACKEND = """
update migration.leases l set backend_pid = a.pid, backend_start = a.backend_start
from pg_stat_activity a
where l.name = $1 and l.token = $2 and a.pid = pg_backend_pid()
returning true
"""


async def record_backend(connection: Connection, fence: FencingToken) -> None:
    """Note which backend writes this owner's batches, so that whoever takes over can end it.

    To be run on that very connection. Raises LeaseLostError.
    """
    if not await connection.fetchval(RECORD_BACKEND, job_lease_name(fence.job_id), fence.token):
        raise LeaseLostError


TERMINATE_BACKEND = """
select pg_terminate_backend(a.pid)
from migration.leases l join pg_stat_activity a on a.pid = l.backend_pid and a.backend_start = l.backend_start
where l.name = $1 and l.expires_at < clock_timestamp()
"""


async def terminate_backend(connection: Connection, name: str) -> None:
    """End the backend of an expired lease: a frozen owner's may hold locks in the middle of a batch."""
    await connection.execute(TERMINATE_BACKEND, name)
