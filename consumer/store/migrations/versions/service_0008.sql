-- Every batch sets updated_at: without this index it writes no other page than that of the row (HOT). A relay of
-- the version before that takes over reads all jobs instead.
drop index migration.jobs_changed;
