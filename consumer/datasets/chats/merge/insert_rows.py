"""The rows of a batch: what is new is made, chats, links and administrators; what differs is noted."""

FORCE_INDEX_SCAN = """
set local enable_seqscan = off; set local enable_nestloop = off; set local enable_mergejoin = off
"""
"""How many rows a walk through an index finds is not known before: guessed are ten."""
RESET_PLANNER = (
    "set local enable_seqscan = on; set local enable_nestloop = on; set local enable_mergejoin = on"
)

INSERT_CHATS = """
with found as materialized (
  -- one walk through the index in the order of links, not a search for each of them
  select c.id, c.url, c.name, c.external_chat_id, c.participants, c.created_on, c.creator_id,
         c.university_id, c.branch_id, c.faculty_id, c.source
  from directory.chats c where c.url = any (array(select url from stage_chats order by url))
),
told as (
  select s.*, :group_id as group_id, n.inn, n.without_kpp, n.university_id, n.branch_id, n.faculty_id
  from stage_chats s
  join node n on n.no = s.node
  :placed
),
rows as materialized (
  -- Those that say anything new; a chat not met before gets its id here, so that one statement makes all.
  -- Flags stand before texts: what passes a row over takes it apart no further.
  select w.first, c.id as old_id, w.first and c.id is not null and not :same_chat as differs,
         case when c.id is not null then c.id
              when w.first then nextval('directory.chats_id_seq') end as known_id,
         w.a_first and a.chat_id is null as a_new,
         w.a_first and a.chat_id is not null and not :same_administrator as a_differs,
         :new_group_id as new_group_id,
         w.phone, w.max_id, w.add_user, w.add_admin, w.url, w.without_kpp, w.university_id, w.branch_id,
         w.faculty_id, w.participants, w.created_on, w.inn, w.name, w.external_chat_id, w.creator_id
  from told w
  left join found c on c.url = w.url
  left join (
    select a.chat_id, a.phone, a.max_id, a.add_user, a.add_admin from directory.administrators a
    where a.chat_id = any (array(select id from found order by id)) offset 0
  ) a on a.chat_id = c.id and a.phone = w.phone
  :linked
  where c.id is null
     or w.first and not :same_chat
     or w.a_first and (a.chat_id is null or not :same_administrator)
     :or_unlinked
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
  from rows where differs
),
placed as materialized (
  select known_id as chat_id, new_group_id, a_new, a_differs, phone, max_id, add_user, add_admin
  from rows where known_id is not null
  union all
  -- a link repeated within the batch that made its chat; tried without its first row it has none
  select f.known_id, r.new_group_id, r.a_new, r.a_differs, r.phone, r.max_id, r.add_user, r.add_admin
  from rows r join rows f on f.first and f.url = r.url
  where r.known_id is null
),
made_links as (
  insert into directory.chat_groups (chat_id, group_id)
  select distinct chat_id, new_group_id from placed where new_group_id is not null
  order by 1, 2
),
made_people as (
  insert into directory.administrators (chat_id, phone, max_id, add_user, add_admin)
  select chat_id, phone, max_id, coalesce(add_user, true), coalesce(add_admin, true)
  from placed where a_new
  order by chat_id, phone
),
noted_people as (
  insert into administrator_changes
  select chat_id, phone, max_id, add_user, add_admin from placed where a_differs
)
insert into tally (firsts, inserted, duplicates, ambiguous)
select count(*) filter (where first),
       (select count(*) from rows where first and old_id is null),
       count(*) filter (where not first),
       (select count(*) from stage_chats s join node n on n.no = s.node where n.ambiguous)
from stage_chats
"""

STATEMENTS = (FORCE_INDEX_SCAN, INSERT_CHATS, RESET_PLANNER)
