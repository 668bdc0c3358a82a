-- What the HTTP side compares with, lists and shows. It only adds: replicas of the version before go on beside it.

-- Counted first, and the tables of others changed last: what takes long holds no lock they wait for.
create table migration.rejected_counts (
  job_id bigint not null,
  code   text not null,
  field  text not null default '',
  rows   bigint not null check (rows > 0),
  primary key (job_id, code, field)
);
comment on table migration.rejected_counts is
  'rejected rows of the present load by code and field; they stay when the rows themselves are pruned';
comment on column migration.rejected_counts.field is 'empty where the row as a whole is meant';

insert into migration.rejected_counts (job_id, code, field, rows)
select r.job_id, error->>'code', coalesce(error->>'field', ''), count(distinct r.row_number)
from migration.migration_errors r cross join jsonb_array_elements(r.errors) error
group by 1, 2, 3;

-- Jobs before commands, as who obeys a command locks them.
alter table migration.jobs
  add column options jsonb,
  add column run_requested_by text;
comment on column migration.jobs.options is 'the options as requested; null where the job was recorded before they were kept';
comment on column migration.jobs.run_requested_by is 'who asked for the present run: the sender of the start or of the retry';

create index jobs_by_identifier on migration.jobs (source_identifier collate "C", id);

alter table migration.commands
  add column reason text,
  add column requested_by text;
comment on column migration.commands.reason is 'why it was refused';

-- Jobs may have been removed since their rows were counted.
delete from migration.rejected_counts c where not exists (select from migration.jobs j where j.id = c.job_id);
alter table migration.rejected_counts
  add foreign key (job_id) references migration.jobs on delete cascade;

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
  constraint closed_has_an_end check ((outcome is null) = (ended_at is null))
);
comment on table migration.attempts is 'one row per claim of a job; claims in a row that were only handed back share one';
comment on column migration.attempts.token is 'fencing token of the claim, of the last one where the row stands for several';
comment on column migration.attempts.requested_by is 'who asked for the run';
comment on column migration.attempts.claims is 'how many claims the row stands for';
