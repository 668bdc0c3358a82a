"""The session's temp tables: each child has a session of its own, since it counts its numbers from 1."""

CREATE_TEMP_TABLES = """
-- Filled by COPY. What stands behind the texts is filled in by the merge.
create temp table stage_nodes (
  position bigint not null, no int not null,
  inn text collate "C" not null, kpp text collate "C",
  branch text collate "C" not null, faculty text collate "C" not null,
  university_id bigint, ambiguous boolean, branch_id bigint
) on commit delete rows;

create temp table stage_universities (
  position bigint not null, node int not null,
  name text not null, foiv text not null, region text not null, region_number text not null
) on commit delete rows;

create temp table stage_places (
  position bigint not null, no int not null, node int not null,
  course int, name text collate "C" not null
) on commit delete rows;

create temp table stage_chats (
  position bigint not null, node int not null, place int,
  first boolean not null, a_first boolean not null,
  url text collate "C" not null, name text not null, external_chat_id text not null default '',
  participants int, created_on date, creator_id text not null default '',
  phone text collate "C" not null, max_id text not null default '', add_user boolean, add_admin boolean
) on commit delete rows;

-- What the child's numbers stand for. Kept over batches, and filled inside their transactions: a batch
-- that is rolled back forgets its own.
create temp table node (
  no int primary key, inn text collate "C" not null, without_kpp boolean not null, ambiguous boolean not null,
  university_id bigint not null, branch_id bigint, faculty_id bigint
);
create temp table place (no int primary key, group_id bigint not null);

-- Rows that differ from what is stored.
create temp table chat_changes (
  id bigint, url text collate "C", name text, external_chat_id text, participants int, created_on date,
  creator_id text, university_id bigint, branch_id bigint, faculty_id bigint,
  inn text collate "C", without_kpp boolean
) on commit delete rows;
create temp table administrator_changes (
  chat_id bigint, phone text collate "C", max_id text, add_user boolean, add_admin boolean
) on commit delete rows;

create temp table tally (
  firsts bigint default 0, inserted bigint default 0, updated bigint default 0,
  duplicates bigint default 0, ambiguous bigint default 0
) on commit delete rows;
"""
