-- A new load is one update of its job: rows of older loads are invisible from then on, and deleted in pieces later.
--
-- Replicas of the version before work on beside this one, and know no loads:
--   * Their rejected and refused rows get the present load of their job by a trigger. A default of 0, visible in every
--     load, would show a row of an older load in a newer one for as long as it is not deleted.
--   * Their new load (all rows deleted, then one update that sets a fingerprint) is counted by a trigger, so that a
--     reader of this version notices it.
--   * They read by job alone. Their lists of rejected rows show rows of older loads until those are deleted, but they
--     never go on from the checkpoint of a job that has such rows: its fingerprint is marked (see jobs.py), which they
--     take for another source. They read it from the top, as for any source that changed.

alter table migration.jobs
  add column if not exists load bigint not null default 0,
  add column if not exists oldest_load bigint not null default 0;
comment on column migration.jobs.load is
  'counts readings of the source from the top: rejected and refused rows of other numbers are to be deleted';
comment on column migration.jobs.oldest_load is 'rows of loads before this one are deleted';

create index if not exists jobs_older_loads on migration.jobs (id) where oldest_load < load;

create or replace function migration.count_load() returns trigger language plpgsql as $$
begin
  new.load := old.load + 1;
  new.oldest_load := new.load;
  return new;
end $$;
comment on function migration.count_load() is
  'for replicas of the version before service_0009, which delete all rows of the job before they begin a load';

create or replace trigger count_load before update of fingerprint on migration.jobs for each row
  when (new.fingerprint is not null and new.load = old.load)
  execute function migration.count_load();

-- What was stored before belongs to load 0, as its job does. No default stays behind: it would keep the trigger from
-- seeing who gives no number.
alter table migration.migration_errors add column if not exists load bigint not null default 0;
alter table migration.migration_errors alter column load drop default;
alter table migration.refused_rows add column if not exists load bigint not null default 0;
alter table migration.refused_rows alter column load drop default;

create or replace function migration.fill_load() returns trigger language plpgsql as $$
begin
  new.load := (select load from migration.jobs where id = new.job_id);
  return new;
end $$;
comment on function migration.fill_load() is 'for replicas of the version before service_0009, which give no number';

create or replace trigger fill_load before insert on migration.migration_errors for each row
  when (new.load is null) execute function migration.fill_load();
create or replace trigger fill_load before insert on migration.refused_rows for each row
  when (new.load is null) execute function migration.fill_load();
