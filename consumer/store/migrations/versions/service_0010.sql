-- It only adds columns that may be null, and looks at no row. Jobs first, as every batch locks them.
alter table migration.jobs add column source_columns json;
comment on column migration.jobs.source_columns is
  'all columns of the source in its order, and the load they are of: an older replica leaves those of the load before';

alter table migration.migration_errors
  add column kinds jsonb,
  add column record_cut jsonb;
comment on column migration.migration_errors.kinds is
  'column → kind of its cell, where the type of its JSON value in the record is another';
comment on column migration.migration_errors.record_cut is
  'columns whose text goes on in the source, and how many cells are not in the record; null where it is whole';
