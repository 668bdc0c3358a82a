-- The service's own tables. What is imported lives in schemas of the datasets, in the same database,
-- because a batch and its checkpoint commit together.

create sequence migration.fencing_token;
comment on sequence migration.fencing_token is 'never repeats: every write of an owner carries the number of its claim';

create table migration.jobs (
  id                 bigint generated always as identity primary key,
  request_id         text collate "C" not null unique,
  request_digest     text not null,
  dataset            text not null,
  source_type        text not null,
  source_identifier  text not null,
  source             jsonb not null,
  requested_by       text,
  traceparent        text,
  timeout_seconds    integer not null check (timeout_seconds > 0),
  max_attempts       integer not null check (max_attempts > 0),

  status             text not null default 'pending'
                     check (status in ('pending', 'running', 'completed', 'failed', 'cancelled')),
  run                integer not null default 1 check (run > 0),
  attempt            integer not null default 0 check (attempt >= 0),
  failures           integer not null default 0 check (failures >= 0),
  token              bigint unique,
  available_at       timestamptz not null default clock_timestamp(),
  cancel_requested   boolean not null default false,
  detail             text,
  error_code         text,
  error_message      text,

  fingerprint        text,
  checkpoint         bigint,
  source_state       jsonb,
  total              bigint check (total >= 0),
  processed          bigint not null default 0,
  failed             bigint not null default 0 check (failed >= 0),
  inserted           bigint not null default 0 check (inserted >= 0),
  updated            bigint not null default 0 check (updated >= 0),
  unchanged          bigint not null default 0 check (unchanged >= 0),
  duplicates         bigint not null default 0 check (duplicates >= 0),
  warnings           jsonb not null default '{}',

  sequence           bigint not null default 0,
  progressed_at      timestamptz,
  attempt_rows       bigint not null default 0,
  attempt_started_at timestamptz,
  run_started_at     timestamptz,
  created_at         timestamptz not null default clock_timestamp(),
  updated_at         timestamptz not null default clock_timestamp(),
  started_at         timestamptz,
  completed_at       timestamptz,

  constraint every_row_is_accounted_for check (processed = inserted + updated + unchanged + duplicates),
  constraint only_running_has_a_token check ((status = 'running') = (token is not null)),
  constraint only_terminal_is_completed_at
    check ((status in ('completed', 'failed', 'cancelled')) = (completed_at is not null)),
  constraint a_short_read_is_not_completed
    check (status <> 'completed' or (total is not null and total > 0 and total = processed + failed)),
  constraint failed_says_why check (status <> 'failed' or (error_code is not null and error_message is not null))
) with (fillfactor = 50);

comment on column migration.jobs.failures is 'attempts in a row without a committed batch, the running one included';
comment on column migration.jobs.token is 'fencing token of the claim; a write of an owner counts only where it matches';
comment on column migration.jobs.checkpoint is 'position of the last row read, also when it was rejected';
comment on column migration.jobs.attempt_rows is 'processed + failed when the attempt began, for the rate';

create index jobs_waiting on migration.jobs (available_at, id) where status = 'pending';
create index jobs_running on migration.jobs (id) where status = 'running';
create index jobs_changed on migration.jobs (updated_at);

create function migration.terminal_is_terminal() returns trigger language plpgsql as $$
begin
  raise exception 'job % is %, and only a retry (run + 1) leaves that state', old.id, old.status
    using errcode = 'check_violation';
end $$;

create trigger terminal_is_terminal before update of status on migration.jobs for each row
  when (old.status in ('completed', 'failed', 'cancelled') and new.status is distinct from old.status
        and not (old.status <> 'completed' and new.status = 'pending' and new.run = old.run + 1))
  execute function migration.terminal_is_terminal();

create table migration.leases (
  name          text collate "C" primary key,
  owner         text not null,
  token         bigint not null,
  expires_at    timestamptz not null,
  backend_pid   integer,
  backend_start timestamptz
) with (fillfactor = 50);
comment on table migration.leases is
  'who works on job:<id>, who is the relay; apart from jobs, so that a batch never blocks its own heartbeat';
comment on column migration.leases.backend_pid is 'the backend that writes the batches: whoever takes over ends it';

create table migration.commands (
  command_id text collate "C" primary key,
  request_id text not null,
  action     text not null check (action in ('cancel', 'retry')),
  obeyed     boolean not null,
  created_at timestamptz not null default clock_timestamp()
);
comment on table migration.commands is 'cancel and retry messages that were decided on: a second delivery acts no more';

create table migration.migration_errors (
  job_id            bigint not null references migration.jobs on delete cascade,
  row_number        bigint not null,
  record_identifier text,
  errors            jsonb not null,
  record            json not null,
  created_at        timestamptz not null default clock_timestamp(),
  primary key (job_id, row_number)
);
comment on table migration.migration_errors is 'rejected rows as they were read: personal data, for the owners of the source only';

create table migration.refused_rows (
  job_id     bigint not null references migration.jobs on delete cascade,
  row_number bigint not null,
  sqlstate   text not null,
  primary key (job_id, row_number)
);
comment on table migration.refused_rows is 'rows of the present load that Postgres refused: the next reading rejects them';

create table migration.outbox (
  id           bigint generated always as identity primary key,
  job_id       bigint references migration.jobs on delete cascade,
  request_id   text not null,
  sequence     bigint not null,
  event_id     uuid not null unique default gen_random_uuid(),
  payload      text not null,
  headers      jsonb not null default '{}',
  sends        integer not null default 0,
  created_at   timestamptz not null default clock_timestamp(),
  published_at timestamptz,
  unique (job_id, sequence)
);
comment on column migration.outbox.sends is 'how often the event was asked to be sent again; a mark counts only for the asking it saw';
create index outbox_pending_events on migration.outbox (id) where published_at is null;
