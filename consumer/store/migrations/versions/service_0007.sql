-- Seconds since 1970, since an index takes no expression that might depend on a time zone. No column, which a
-- replica of the version before would leave empty.
create index jobs_deadlines on migration.jobs
  ((extract(epoch from run_started_at - timestamptz 'epoch') + timeout_seconds))
  where status = 'pending' and run_started_at is not null;
