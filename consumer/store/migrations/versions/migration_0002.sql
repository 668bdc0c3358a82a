alter table migration.jobs
  add column needs             text[] not null default '{}',
  add column corrects          jsonb,
  add column untouched         bigint not null default 0 check (untouched >= 0),
  add column dismissed         bigint not null default 0 check (dismissed >= 0),
  add column already_corrected bigint not null default 0 check (already_corrected >= 0),
  add column rows_corrected    bigint not null default 0 check (rows_corrected >= 0),
  add column rows_dismissed    bigint not null default 0 check (rows_dismissed >= 0),
  -- Of a job that corrects none the new counters are 0: then this is the check that was here before.
  drop constraint jobs_completed_has_all_rows,
  add constraint jobs_completed_has_all_rows check (status <> 'completed' or (
    total is not null and total > 0
    and total = processed + failed + untouched + dismissed + already_corrected)),
  add constraint jobs_only_corrections_count_corrected_rows check (
    corrects is not null or untouched + dismissed + already_corrected = 0);

comment on column migration.jobs.needs is
  'Names of the request''s fields that not every version knows: only a replica that knows them all claims the job';
comment on column migration.jobs.corrects is
  'Of a correction: the request id of the job whose rejected rows it corrects, and the counts of that job at the last batch';
comment on column migration.jobs.untouched is 'Of a correction: rows of its file that are as they were rejected';
comment on column migration.jobs.dismissed is 'Of a correction: rows of its file that are marked to be skipped';
comment on column migration.jobs.already_corrected is
  'Of a correction: rows of its file that another file had corrected before';
comment on column migration.jobs.rows_corrected is
  'Rejected rows of the current load that corrections have stored; kept when the rows themselves are pruned';
comment on column migration.jobs.rows_dismissed is
  'Rejected rows of the current load that corrections have dismissed; kept when the rows themselves are pruned';

create index jobs_corrects_idx on migration.jobs ((corrects ->> 'request_id')) where corrects is not null;

alter table migration.migration_errors
  add column shown_row_number bigint,
  add column corrected_by     bigint,
  add column dismissed_by     text,
  add column dismissed_at     timestamptz,
  add column corrected_key    text;

comment on column migration.migration_errors.shown_row_number is
  'Of a correction: the number of the row in the source of the corrected job; null where it is row_number';
comment on column migration.migration_errors.corrected_by is 'Id of the job that stored the corrected row';
comment on column migration.migration_errors.dismissed_by is 'Who dismissed the row; empty if that is not known';
comment on column migration.migration_errors.dismissed_at is 'When the row was dismissed';
comment on column migration.migration_errors.corrected_key is
  'Of a correction: the key of the row of the corrected job, for files of rejected rows; null where that row is unknown';
