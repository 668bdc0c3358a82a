"""Buckets of tokens in Postgres: how often all replicas together may call a service that counts its calls.

A bucket holds `limit` tokens. A token comes back `window_seconds` after it was drawn, so that no window of
that length ever sees more than `limit` calls, however they are spread.
"""

from consumer.store.database import Database

CREATE_BUCKET = "insert into migration.quotas (name) values ($1) on conflict do nothing"

ACQUIRE = """
with bucket as (
  select name, array(select d from unnest(drawn) d
                     where d <= clock_timestamp() and d > clock_timestamp() - make_interval(secs => $3)
                     order by d) as spent
  from migration.quotas where name = $1 for update),
drawing as (
  update migration.quotas q set drawn = b.spent || clock_timestamp()
  from bucket b where q.name = b.name and cardinality(b.spent) < $2 returning true)
select case when exists (select from drawing) then 0.0
       else extract(epoch from b.spent[cardinality(b.spent) - $2 + 1] - clock_timestamp()) + $3 end::float8
from bucket b
"""
"""Times that lie ahead do not count: a clock that was set back must not close the bucket."""


async def acquire(database: Database, bucket: str, *, limit: int, window_seconds: float) -> float:
    """Take a token: 0 when there was one, else the seconds until the next one comes back."""
    async with database.transaction() as connection:
        await connection.execute(CREATE_BUCKET, bucket)
        wait = await connection.fetchval(ACQUIRE, bucket, limit, window_seconds)
    return max(float(wait), 0.0)
