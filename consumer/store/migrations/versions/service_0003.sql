-- Ended jobs, rejected rows and events are pruned by their age; request ids stay known.

create table migration.past_requests (
  request_id     text collate "C" primary key,
  request_digest text not null,
  job_id         bigint not null,
  completed_at   timestamptz not null,
  event_id       uuid not null,
  sequence       bigint not null,
  payload        text not null,
  headers        jsonb not null,
  told_at        timestamptz not null,
  pruned_at      timestamptz not null default clock_timestamp()
);
comment on table migration.past_requests is
  'requests whose jobs were removed, each with the last event of its job: it is sent when the request is repeated';
comment on column migration.past_requests.told_at is 'when the event was put into the outbox: it is sent again with this time';

create index jobs_ended on migration.jobs (completed_at, id) where completed_at is not null;
create index outbox_published on migration.outbox (published_at, id) where published_at is not null;
create index commands_remembered on migration.commands (created_at);
