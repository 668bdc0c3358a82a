"""Leases of jobs and of the relay, timed by the database's clock, with fencing tokens."""

from dataclasses import dataclass

from consumer.errors import LeaseLostError
from consumer.store.connect import Connection

RELAY_LEASE = "relay"


def job_lease_name(job_id: int) -> str:
    """The name of a job's lease."""
    return f"job:{job_id}"


@dataclass(frozen=True, slots=True)
class FencingToken:
    """The job and the token of a claim; every write of the owner depends on them."""

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
    """Write a lease without checking its holder: the caller must have locked the job."""
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
    """Acquire a free or expired lease; its token, or None while another owner holds it."""
    return await connection.fetchval(TRY_ACQUIRE, name, owner, seconds)  # type: ignore[no-any-return]


RENEW = """
update migration.leases set expires_at = clock_timestamp() + make_interval(secs => $3)
where name = $1 and token = $2
returning true
"""


async def renew(connection: Connection, name: str, token: int, seconds: float) -> None:
    """Renew a lease for `seconds`; raises LeaseLostError if it has another token."""
    if not await connection.fetchval(RENEW, name, token, seconds):
        raise LeaseLostError


RENEW_JOB_LEASE = """
with renewed as (
  update migration.leases set expires_at = clock_timestamp() + make_interval(secs => $3)
  where name = $4 and token = $2 returning token)
select j.cancel_requested from migration.jobs j join renewed using (token) where j.id = $1
"""


async def renew_job_lease(connection: Connection, fence: FencingToken, seconds: float) -> bool:
    """Renew a job's lease; returns whether a cancel is requested. Raises LeaseLostError."""
    cancel_requested = await connection.fetchval(
        RENEW_JOB_LEASE, fence.job_id, fence.token, seconds, job_lease_name(fence.job_id)
    )
    if cancel_requested is None:
        raise LeaseLostError
    return bool(cancel_requested)


RELEASE = "delete from migration.leases where name = $1 and token = $2"


async def release(connection: Connection, name: str, token: int) -> None:
    """Delete the lease, if it still has this token."""
    await connection.execute(RELEASE, name, token)


RECORD_BACKEND = """
update migration.leases l set backend_pid = a.pid, backend_start = a.backend_start
from pg_stat_activity a
where l.name = $1 and l.token = $2 and a.pid = pg_backend_pid()
returning true
"""


async def record_backend(connection: Connection, fence: FencingToken) -> None:
    """Record the backend of `connection` on the lease, so that a takeover can terminate it.

    Call it on the connection that writes the batches. Raises LeaseLostError.
    """
    if not await connection.fetchval(RECORD_BACKEND, job_lease_name(fence.job_id), fence.token):
        raise LeaseLostError


TERMINATE_BACKEND = """
select pg_terminate_backend(a.pid)
from migration.leases l join pg_stat_activity a on a.pid = l.backend_pid and a.backend_start = l.backend_start
where l.name = $1 and l.expires_at < clock_timestamp()
"""


async def terminate_backend(connection: Connection, name: str) -> None:
    """Terminate the backend of an expired lease: a frozen owner may hold locks in the middle of a batch."""
    await connection.execute(TERMINATE_BACKEND, name)
