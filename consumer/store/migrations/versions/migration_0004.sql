-- Only adds: replicas of the previous release neither read nor write these columns.

alter table migration.jobs
  add column suggested_columns jsonb,
  add column header_sample json;

comment on column migration.jobs.suggested_columns is
  'Of a job without a required column: header that comes nearest → field it may be; part of its status events';
comment on column migration.jobs.header_sample is
  'Of a job without a required column: the columns of its sheet with values. Personal data, deleted like rejected rows';

create index jobs_header_sample_idx on migration.jobs (completed_at) where header_sample is not null;
