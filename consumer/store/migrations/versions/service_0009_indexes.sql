-- Built beside the batches that go on meanwhile. It waits for transactions that are older than itself, and nothing
-- waits behind it. One that did not come to its end left an index that is not valid.
set lock_timeout = 0;
drop index concurrently if exists migration.migration_errors_by_load;
create unique index concurrently migration_errors_by_load on migration.migration_errors (job_id, load, row_number);
drop index concurrently if exists migration.refused_rows_by_load;
create unique index concurrently refused_rows_by_load on migration.refused_rows (job_id, load, row_number);
