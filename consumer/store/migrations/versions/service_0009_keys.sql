-- A change of the catalogue alone: the indexes are there, and take the names of the keys.
alter table migration.migration_errors
  drop constraint migration_errors_pkey,
  add constraint migration_errors_pkey primary key using index migration_errors_by_load;
alter table migration.refused_rows
  drop constraint refused_rows_pkey,
  add constraint refused_rows_pkey primary key using index refused_rows_by_load;
