-- For sources whose rows have no group, and of an administrator the phone alone.
-- Inserts new chats and administrators; records changed chats for the update that follows.
with existing_chats as materialized (
  -- One index scan in the order of urls, not one probe per url.
  select c.id, c.url, c.name, c.external_chat_id, c.participants, c.created_on, c.creator_id,
         c.university_id, c.branch_id, c.faculty_id, c.source
  from directory.chats c
  where c.url = any (array(select s.url from stage_chats s order by s.url))
),
candidates as (
  select s.first_url, s.first_phone, s.url, s.name, s.external_chat_id, s.participants, s.created_on,
         s.creator_id, s.phone, s.max_id, s.add_user, s.add_admin,
         u.inn, u.without_kpp, u.university_id, u.branch_id, u.faculty_id
  from stage_chats s
  join org_unit_ids u on u.number = s.org_unit
),
effective_rows as materialized (
  -- Rows that change anything. A new chat gets its id here, so that one statement inserts all.
  -- Flags come before texts: to skip a row Postgres then decodes no text of it.
  select n.first_url, c.id as existing_id,
         n.first_url and c.id is not null and d.chat_changed as chat_changed,
         case when c.id is not null then c.id
              when n.first_url then nextval('directory.chats_id_seq') end as chat_id,
         n.first_phone and a.chat_id is null as is_new_phone,
         n.phone, n.max_id, n.add_user, n.add_admin, n.url, n.without_kpp, n.university_id, n.branch_id,
         n.faculty_id, n.participants, n.created_on, n.inn, n.name, n.external_chat_id, n.creator_id
  from candidates n
  left join existing_chats c on c.url = n.url
  left join (
    select a.chat_id, a.phone
    from directory.administrators a
    where a.chat_id = any (array(select e.id from existing_chats e order by e.id)) offset 0
  ) a on a.chat_id = c.id and a.phone = n.phone
  cross join lateral (
    -- Without `offset 0` the planner puts these conditions in wherever they are used.
    select
      not (
        /* chat unchanged */
        (n.name = '' or n.name = c.name)
        and (n.external_chat_id = '' or n.external_chat_id = c.external_chat_id)
        and (n.participants is null or n.participants is not distinct from c.participants)
        and (n.created_on is null or n.created_on is not distinct from c.created_on)
        and (n.creator_id = '' or n.creator_id = c.creator_id)
        and c.source <> all ((select o.weaker_tags from load_source o)::text[])
        and (
          /* keeps org unit */
          n.university_id = c.university_id
            and (n.branch_id is null or n.branch_id is not distinct from c.branch_id)
            and (n.faculty_id is null or n.faculty_id is not distinct from c.faculty_id)
          or n.without_kpp and n.university_id <> c.university_id
            and n.inn = (select u.inn from directory.universities u where u.id = c.university_id)
          /* end */
        )
        /* end */
      ) as chat_changed
  ) d
  where c.id is null
     or n.first_url and d.chat_changed
     or n.first_phone and a.chat_id is null
),
inserted_chats as (
  insert into directory.chats
    (id, url, name, external_chat_id, participants, created_on, creator_id,
     university_id, branch_id, faculty_id, source)
  select r.chat_id, r.url, r.name, r.external_chat_id, r.participants, r.created_on, r.creator_id,
         r.university_id, r.branch_id, r.faculty_id, (select o.tag from load_source o) as source
  from effective_rows r
  where r.first_url and r.existing_id is null
  order by r.url
),
changed_chats as (
  insert into chat_changes
    (id, url, name, external_chat_id, participants, created_on, creator_id,
     university_id, branch_id, faculty_id, inn, without_kpp)
  select r.existing_id, r.url, r.name, r.external_chat_id, r.participants, r.created_on, r.creator_id,
         r.university_id, r.branch_id, r.faculty_id, r.inn, r.without_kpp
  from effective_rows r
  where r.chat_changed
),
resolved_rows as materialized (
  select r.chat_id, r.is_new_phone, r.phone, r.max_id, r.add_user, r.add_admin
  from effective_rows r
  where r.chat_id is not null
  union all
  -- A url repeated in the batch that inserts its chat. A trial merge without its first row finds no chat.
  select f.chat_id, r.is_new_phone, r.phone, r.max_id, r.add_user, r.add_admin
  from effective_rows r
  join effective_rows f on f.first_url and f.url = r.url
  where r.chat_id is null
),
inserted_administrators as (
  insert into directory.administrators (chat_id, phone, max_id, add_user, add_admin)
  select r.chat_id, r.phone, r.max_id,
         coalesce(r.add_user, true) as add_user, coalesce(r.add_admin, true) as add_admin
  from resolved_rows r
  where r.is_new_phone
  order by r.chat_id, r.phone
)
insert into merge_counts (distinct_chats, inserted, duplicates, ambiguous)
select count(*) filter (where s.first_url) as distinct_chats,
       (select count(*) from effective_rows r where r.first_url and r.existing_id is null) as inserted,
       count(*) filter (where not s.first_url) as duplicates,
       (select count(*) from stage_chats b join org_unit_ids u on u.number = b.org_unit
        where u.ambiguous) as ambiguous
from stage_chats s;
