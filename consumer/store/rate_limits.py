"""Token buckets in Postgres, shared by all replicas, for services that limit the number of calls.

A bucket holds `limit` tokens. A token is available again `window_seconds` after it was acquired, so that no
window of that length contains more than `limit` calls.
"""

from consumer.store.database import Database

CREATE_BUCKET = "insert into migration.rate_limits (name) values ($1) on conflict do nothing"

ACQUIRE = """
with bucket as (
  select name, array(select t from unnest(acquired_at) t
                     where t <= clock_timestamp() and t > clock_timestamp() - make_interval(secs => $3)
                     order by t) as in_window
  from migration.rate_limits where name = $1 for update),
acquired as (
  update migration.rate_limits r set acquired_at = b.in_window || clock_timestamp()
  from bucket b where r.name = b.name and cardinality(b.in_window) < $2 returning true)
select case when exists (select from acquired) then 0.0
       else extract(epoch from b.in_window[cardinality(b.in_window) - $2 + 1] - clock_timestamp()) + $3
       end::float8
from bucket b
"""
"""Times in the future do not count: a clock that was set back must not block the bucket."""


async def acquire(database: Database, bucket: str, *, limit: int, window_seconds: float) -> float:
    """Acquire a token: 0 if one was available, else the seconds until the next one is."""
    async with database.transaction() as connection:
        await connection.execute(CREATE_BUCKET, bucket)
        wait = await connection.fetchval(ACQUIRE, bucket, limit, window_seconds)
    return max(float(wait), 0.0)
