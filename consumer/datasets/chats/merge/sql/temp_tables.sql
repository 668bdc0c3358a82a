-- The temp tables of one session. Every attempt has a session of its own: its numbers count from 1.

-- The tag of this load's source and the tags that it replaces; one row.
create temp table load_source (tag text not null, weaker_tags text[] not null);

-- Filled by COPY; the columns behind the texts are set by the merge.
create temp table stage_org_units (
  position bigint not null, number int not null,
  inn text collate "C" not null, kpp text collate "C",
  branch text collate "C" not null, faculty text collate "C" not null,
  university_id bigint, ambiguous boolean, branch_id bigint
) on commit delete rows;

create temp table stage_universities (
  position bigint not null, org_unit int not null,
  name text not null, foiv text not null, region text not null, region_number text not null
) on commit delete rows;

create temp table stage_groups (
  position bigint not null, number int not null, org_unit int not null,
  course int, name text collate "C" not null
) on commit delete rows;

create temp table stage_chats (
  position bigint not null, org_unit int not null, study_group int,
  first_url boolean not null, first_phone boolean not null,
  url text collate "C" not null, name text not null, external_chat_id text not null default '',
  participants int, created_on date, creator_id text not null default '',
  phone text collate "C" not null, max_id text not null default '', add_user boolean, add_admin boolean
) on commit delete rows;

-- Ids by number. They outlive a batch and are inserted in its transaction, so a rollback removes them too.
create temp table org_unit_ids (
  number int primary key, inn text collate "C" not null, without_kpp boolean not null,
  ambiguous boolean not null, university_id bigint not null, branch_id bigint, faculty_id bigint
);

create temp table group_ids (number int primary key, group_id bigint not null);

-- Rows that differ from what is stored.
create temp table chat_changes (
  id bigint, url text collate "C", name text, external_chat_id text, participants int, created_on date,
  creator_id text, university_id bigint, branch_id bigint, faculty_id bigint,
  inn text collate "C", without_kpp boolean
) on commit delete rows;

create temp table administrator_changes (
  chat_id bigint, phone text collate "C", max_id text, add_user boolean, add_admin boolean
) on commit delete rows;

create temp table merge_counts (
  distinct_chats bigint default 0, inserted bigint default 0, updated bigint default 0,
  duplicates bigint default 0, ambiguous bigint default 0
) on commit delete rows;
