-- Tokens for calls of services that count them. A token is of no use for a while after it was drawn.

create table migration.quotas (
  name  text collate "C" primary key,
  drawn timestamptz[] not null default '{}'
) with (fillfactor = 50);
comment on table migration.quotas is
  'when the tokens of each bucket were drawn, by the clock of this database: all replicas draw from one bucket';
