-- Only adds: a replica of the previous release goes on with the defaults, whose jobs it alone claims.

alter table migration.jobs
  add column dry_run boolean not null default false,
  add column all_or_nothing boolean not null default false,
  add column max_rejected text
    constraint jobs_max_rejected_form check (max_rejected ~ '^[0-9]+([.][0-9]+)?%?$'),
  add column phase text not null default 'load'
    constraint jobs_phase check (phase in ('check', 'load')),
  add column checked_fingerprint text;

comment on column migration.jobs.dry_run is 'The job checks the rows and stores none';
comment on column migration.jobs.all_or_nothing is 'The source is checked as a whole before its rows are stored';
comment on column migration.jobs.max_rejected is
  'Rejected rows that the job may have: a number, or a percentage of the rows read; null for any number. A retry may change it';
comment on column migration.jobs.phase is 'What the current load does with the rows: check them, or load them';
comment on column migration.jobs.checked_fingerprint is
  'Fingerprint of the source that passed the check of an all_or_nothing job; null before, and after it was found changed';
comment on column migration.jobs.processed is
  'Rows stored by the current load: inserted + updated + unchanged + duplicates; in a check the rows that passed it';

alter table migration.jobs
  drop constraint jobs_counters_add_up,
  add constraint jobs_counters_add_up check (
    phase = 'load' and processed = inserted + updated + unchanged + duplicates
    or phase = 'check' and inserted = 0 and updated = 0 and unchanged = 0 and duplicates <= processed),
  add constraint jobs_dry_run_only_checks check (not dry_run or phase = 'check'),
  add constraint jobs_completed_is_loaded check (status <> 'completed' or phase = 'load' or dry_run);
