"""The rows of a batch: new chats, groups and administrators are made, those that differ are noted."""

BY_INDEX = "set local enable_seqscan = off; set local enable_nestloop = off"
"""How many rows a walk through an index finds is not known before: guessed are ten."""
AS_BEFORE = "set local enable_seqscan = on; set local enable_nestloop = on"

CHATS = """
with found as materialized (
  -- one walk through the index in the order of links, not a search for each of them
  select c.id, c.url, c.name, c.external_chat_id, c.participants, c.created_on, c.creator_id,
         c.university_id, c.branch_id, c.faculty_id, c.source
  from directory.chats c where c.url = any (array(select url from stage_chats order by url))
),
rows as materialized (
  -- Ids of what a row names; a chat not met before gets an id here, so that one statement makes all.
  -- Flags stand before texts: what passes a row over takes it apart no further.
  select w.first, w.a_first, c.id as old_id, w.first and :same_chat as same, w.group_id, w.ambiguous,
         case when c.id is not null then c.id
              when w.first then nextval('directory.chats_id_seq') end as known_id,
         w.phone, w.max_id, w.add_user, w.add_admin, w.url, w.without_kpp, w.university_id, w.branch_id,
         w.faculty_id, w.participants, w.created_on, w.inn, w.name, w.external_chat_id, w.creator_id
  from (
    select s.*, p.group_id, n.inn, n.without_kpp, n.ambiguous, n.university_id, n.branch_id, n.faculty_id
    from stage_chats s
    join node n on n.no = s.node
    left join lateral (select p.group_id from place p where p.no = s.place offset 0) p on true
  ) w
  left join found c on c.url = w.url
),
made_chats as (
  insert into directory.chats
    (id, url, name, external_chat_id, participants, created_on, creator_id,
     university_id, branch_id, faculty_id, source)
  select known_id, url, name, external_chat_id, participants, created_on, creator_id,
         university_id, branch_id, faculty_id, :tag
  from rows where first and old_id is null
  order by url
),
noted_chats as (
  insert into chat_changes
  select old_id, url, name, external_chat_id, participants, created_on, creator_id,
         university_id, branch_id, faculty_id, inn, without_kpp
  from rows where first and old_id is not null and not same
),
placed as materialized (
  select known_id as chat_id, old_id, group_id, a_first, phone, max_id, add_user, add_admin
  from rows where known_id is not null
  union all
  -- a link repeated within the batch that made its chat; tried without its first row it has none
  select f.known_id, null, r.group_id, r.a_first, r.phone, r.max_id, r.add_user, r.add_admin
  from rows r join rows f on f.first and f.url = r.url
  where r.known_id is null
),
made_links as (
  insert into directory.chat_groups (chat_id, group_id)
  select distinct w.chat_id, w.group_id
  from placed w
  left join (
    select l.chat_id, l.group_id from directory.chat_groups l
    where l.chat_id = any (array(select old_id from rows where group_id is not null and old_id is not null
                                 order by old_id)) offset 0
  ) l on l.chat_id = w.chat_id and l.group_id = w.group_id
  where w.group_id is not null and l.chat_id is null
  order by 1, 2
),
people as materialized (
  select w.chat_id, w.phone, w.max_id, w.add_user, w.add_admin,
         case when a.chat_id is not null then :same_administrator end as same
  from placed w
  left join (
    select a.chat_id, a.phone, a.max_id, a.add_user, a.add_admin from directory.administrators a
    where a.chat_id = any (array(select old_id from rows where a_first and old_id is not null
                                 order by old_id)) offset 0
  ) a on a.chat_id = w.chat_id and a.phone = w.phone
  where w.a_first
),
made_people as (
  insert into directory.administrators (chat_id, phone, max_id, add_user, add_admin)
  select chat_id, phone, max_id, coalesce(add_user, true), coalesce(add_admin, true)
  from people where same is null
  order by chat_id, phone
),
noted_people as (
  insert into administrator_changes
  select chat_id, phone, max_id, add_user, add_admin from people where not same
)
insert into tally (firsts, inserted, duplicates, ambiguous)
select count(*) filter (where first), count(*) filter (where first and old_id is null),
       count(*) filter (where not first), count(*) filter (where ambiguous)
from rows
"""

STATEMENTS = (BY_INDEX, CHATS, AS_BEFORE)
