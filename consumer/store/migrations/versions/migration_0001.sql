-- The service's own tables. Imported rows live in the schemas of the datasets, in the same database, so that
-- a batch and its checkpoint commit in one transaction.

create sequence migration.fencing_token_seq;
comment on sequence migration.fencing_token_seq is
  'Fencing tokens: every claim and every relay election takes the next one, and no number is used twice';

create table migration.jobs (
  id                     bigint generated always as identity primary key,
  request_id             text collate "C" not null unique,
  request_digest         text not null,
  dataset                text not null,
  source_type            text not null,
  source_identifier      text not null,
  source                 jsonb not null,
  options                jsonb not null default '{}',
  requested_by           text,
  run_requested_by       text,
  traceparent            text,
  timeout_seconds        integer not null check (timeout_seconds > 0),
  max_attempts           integer not null check (max_attempts > 0),

  status                 text not null default 'pending'
                         check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
  run                    integer not null default 1 check (run > 0),
  attempt                integer not null default 0 check (attempt >= 0),
  consecutive_failures   integer not null default 0 check (consecutive_failures >= 0),
  token                  bigint unique,
  available_at           timestamptz not null default clock_timestamp(),
  cancel_requested       boolean not null default false,
  detail                 text,
  error_code             text,
  error_message          text,

  fingerprint            text,
  checkpoint             bigint,
  source_state           jsonb,
  source_columns         json,
  load                   bigint not null default 0,
  pruned_before_load     bigint not null default 0,
  total                  bigint check (total >= 0),
  processed              bigint not null default 0,
  failed                 bigint not null default 0 check (failed >= 0),
  inserted               bigint not null default 0 check (inserted >= 0),
  updated                bigint not null default 0 check (updated >= 0),
  unchanged              bigint not null default 0 check (unchanged >= 0),
  duplicates             bigint not null default 0 check (duplicates >= 0),
  warnings               jsonb not null default '{}',

  sequence               bigint not null default 0,
  last_event_at          timestamptz,
  rows_at_attempt_start  bigint not null default 0,
  attempt_started_at     timestamptz,
  run_started_at         timestamptz,
  created_at             timestamptz not null default clock_timestamp(),
  updated_at             timestamptz not null default clock_timestamp(),
  started_at             timestamptz,
  completed_at           timestamptz,

  constraint jobs_counters_add_up check (processed = inserted + updated + unchanged + duplicates),
  constraint jobs_token_iff_running check ((status = 'running') = (token is not null)),
  constraint jobs_completed_at_iff_terminal
    check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
  constraint jobs_completed_has_all_rows
    check (status <> 'completed' or (total is not null and total > 0 and total = processed + failed)),
  constraint jobs_failed_has_error
    check (status <> 'failed' or (error_code is not null and error_message is not null)),
  constraint jobs_message_length check (char_length(error_message) <= 2000 and char_length(detail) <= 2000)
) with (fillfactor = 50);  -- every batch updates its job: with free space in the page the update touches no index

comment on table migration.jobs is 'One row per accepted start request';
comment on column migration.jobs.request_digest is 'Digest of the start request, to detect another body under a used request id';
comment on column migration.jobs.options is 'Options as requested, before defaults';
comment on column migration.jobs.requested_by is 'Who requested the job';
comment on column migration.jobs.run_requested_by is 'Who requested the current run, by the start or by a retry';
comment on column migration.jobs.run is 'Number of the run; a retry starts the next one';
comment on column migration.jobs.attempt is 'Number of the attempt in the current run';
comment on column migration.jobs.consecutive_failures is
  'Attempts in a row without a committed batch, the running one included';
comment on column migration.jobs.token is
  'Fencing token of the current claim; a write of an owner takes effect only where it matches';
comment on column migration.jobs.available_at is 'A pending job is claimed at this time at the earliest';
comment on column migration.jobs.detail is 'What a job is waiting for';
comment on column migration.jobs.fingerprint is
  'Identity of the source and version of the rules of the current load; an attempt that finds others starts a new load';
comment on column migration.jobs.checkpoint is 'Position of the last row read, including rejected rows';
comment on column migration.jobs.source_state is 'What a reader of the source needs to continue behind the checkpoint';
comment on column migration.jobs.source_columns is
  'All columns of the source in their order; null until the current load has stored them';
comment on column migration.jobs.load is
  'Number of the current load, a reading of the source from the top; rows rejected in other loads are deleted';
comment on column migration.jobs.pruned_before_load is 'Rows rejected in loads before this one are already deleted';
comment on column migration.jobs.processed is 'Rows stored by the current load: inserted + updated + unchanged + duplicates';
comment on column migration.jobs.failed is 'Rows rejected in the current load';
comment on column migration.jobs.sequence is 'Sequence of the last status event';
comment on column migration.jobs.last_event_at is 'Time of the last status event, at most one a second while batches commit';
comment on column migration.jobs.rows_at_attempt_start is 'processed + failed when the attempt started, to compute its rate';

create index jobs_pending_idx on migration.jobs (available_at, id) where status = 'pending';
create index jobs_running_idx on migration.jobs (id) where status = 'running';
create index jobs_finished_idx on migration.jobs (completed_at, id) where completed_at is not null;
create index jobs_source_identifier_idx on migration.jobs (source_identifier collate "C", id);
create index jobs_unpruned_loads_idx on migration.jobs (id) where pruned_before_load < load;
-- Seconds since 1970: an index expression must not depend on the time zone.
create index jobs_pending_deadline_idx on migration.jobs
  ((extract(epoch from run_started_at - timestamptz 'epoch') + timeout_seconds))
  where status = 'pending' and run_started_at is not null;

create function migration.reject_leaving_terminal_status() returns trigger language plpgsql as $$
begin
  raise exception 'job % is %, and only a retry (run + 1) leaves that status', old.id, old.status
    using errcode = 'check_violation';
end $$;
comment on function migration.reject_leaving_terminal_status() is
  'Rejects an update of a completed, failed or cancelled job to another status, except a retry';

create trigger jobs_terminal_status_guard before update of status on migration.jobs for each row
  when (old.status in ('completed', 'failed', 'cancelled') and new.status is distinct from old.status
        and not (old.status <> 'completed' and new.status = 'pending' and new.run = old.run + 1))
  execute function migration.reject_leaving_terminal_status();

create table migration.leases (
  name          text collate "C" primary key,
  owner         text not null,
  token         bigint not null,
  expires_at    timestamptz not null,
  backend_pid   integer,
  backend_start timestamptz
) with (fillfactor = 50);
comment on table migration.leases is
  'Leases of jobs (job:<id>) and of the relay. Not in jobs: a batch locks its job, and must not block the heartbeat';
comment on column migration.leases.owner is 'Replica that holds the lease';
comment on column migration.leases.backend_pid is
  'Backend that writes the batches of the owner; a takeover of an expired lease terminates it';
comment on column migration.leases.backend_start is 'Start of that backend: a process id may be reused';

create table migration.commands (
  command_id       text collate "C" primary key,
  request_id       text not null,
  action           text not null check (action in ('cancel', 'retry')),
  requested_by     text,
  accepted         boolean not null,
  rejection_reason text,
  created_at       timestamptz not null default clock_timestamp()
);
comment on table migration.commands is
  'Decisions on cancel and retry commands: a command that is delivered twice acts once';
comment on column migration.commands.rejection_reason is 'Why the command was rejected; null where it was accepted';

create index commands_created_at_idx on migration.commands (created_at);

create table migration.migration_errors (
  job_id            bigint not null references migration.jobs on delete cascade,
  load              bigint not null,
  row_number        bigint not null,
  record_identifier text,
  errors            jsonb not null,
  record            json not null,
  kinds             jsonb,
  record_cut        jsonb,
  created_at        timestamptz not null default clock_timestamp(),
  primary key (job_id, load, row_number)
);
comment on table migration.migration_errors is
  'Rejected rows as they were read. They hold personal data and are meant for the owners of the source only';
comment on column migration.migration_errors.kinds is
  'Column → kind of its cell, where the JSON type of the value in the record does not show it';
comment on column migration.migration_errors.record_cut is
  'Columns whose text was shortened, and the number of cells left out of the record; null where it is complete';

create table migration.database_rejections (
  job_id     bigint not null references migration.jobs on delete cascade,
  load       bigint not null,
  row_number bigint not null,
  sqlstate   text not null,
  primary key (job_id, load, row_number)
);
comment on table migration.database_rejections is
  'Rows of a load that Postgres rejected: the next attempt skips them and stores them as rejected rows';

create table migration.rejected_counts (
  job_id bigint not null references migration.jobs on delete cascade,
  code   text not null,
  field  text not null default '',
  rows   bigint not null check (rows > 0),
  primary key (job_id, code, field)
);
comment on table migration.rejected_counts is
  'Rejected rows of the current load by code and field; kept when the rows themselves are pruned';
comment on column migration.rejected_counts.field is 'Empty for an error of the row as a whole';

create table migration.outbox (
  id                bigint generated always as identity primary key,
  job_id            bigint references migration.jobs on delete cascade,
  request_id        text not null,
  sequence          bigint not null,
  event_id          uuid not null unique default gen_random_uuid(),
  payload           text not null,
  headers           jsonb not null default '{}',
  resend_generation integer not null default 0,
  created_at        timestamptz not null default clock_timestamp(),
  published_at      timestamptz,
  unique (job_id, sequence)
);
comment on table migration.outbox is
  'Status events, written in the transaction that changes the job and published by the relay';
comment on column migration.outbox.resend_generation is
  'How often the event was to be sent again; it is marked published only if this has not changed since it was read';

create index outbox_pending_idx on migration.outbox (id) where published_at is null;
create index outbox_published_idx on migration.outbox (published_at, id) where published_at is not null;

create table migration.rate_limits (
  name        text collate "C" primary key,
  acquired_at timestamptz[] not null default '{}'
) with (fillfactor = 50);
comment on table migration.rate_limits is
  'Token buckets shared by all replicas, for services that limit the number of calls';
comment on column migration.rate_limits.acquired_at is
  'When each token was acquired, by the clock of this database; a token is available again after the window';

create table migration.archived_requests (
  request_id       text collate "C" primary key,
  request_digest   text not null,
  job_id           bigint not null,
  completed_at     timestamptz not null,
  event_id         uuid not null,
  sequence         bigint not null,
  payload          text not null,
  headers          jsonb not null,
  event_created_at timestamptz not null,
  archived_at      timestamptz not null default clock_timestamp()
);
comment on table migration.archived_requests is
  'Requests of deleted jobs, each with the last event of its job, which is sent when the request is repeated';
comment on column migration.archived_requests.event_created_at is
  'When the event was written to the outbox; it is sent again with this time';

create table migration.attempts (
  job_id          bigint not null references migration.jobs on delete cascade,
  token           bigint not null,
  run             integer not null,
  attempt         integer not null,
  replica         text not null,
  requested_by    text,
  from_checkpoint bigint,
  to_checkpoint   bigint,
  outcome         text check (outcome in ('completed', 'failed', 'cancelled', 'released', 'retrying', 'lost')),
  error_code      text,
  claims          integer not null default 1 check (claims > 0),
  started_at      timestamptz not null,
  ended_at        timestamptz,
  primary key (job_id, token),
  constraint attempts_outcome_iff_ended check ((outcome is null) = (ended_at is null))
);
comment on table migration.attempts is
  'History of a job: one row per claim; consecutive claims that were released share one row';
comment on column migration.attempts.token is 'Fencing token of the claim; of the last one where a row holds several';
comment on column migration.attempts.replica is 'Owner of the lease of that claim';
comment on column migration.attempts.requested_by is 'Who requested the run';
comment on column migration.attempts.claims is 'Number of claims in this row';
