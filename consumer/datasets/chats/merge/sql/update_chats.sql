-- In the order of urls, so that two loads lock chats in one order. The condition is checked again on the
-- locked row: another load may have stored the same since (READ COMMITTED).
with updated_chats as (
  update directory.chats c set
    name = coalesce(nullif(n.name, ''), c.name),
    external_chat_id = coalesce(nullif(n.external_chat_id, ''), c.external_chat_id),
    participants = coalesce(n.participants, c.participants),
    created_on = coalesce(n.created_on, c.created_on),
    creator_id = coalesce(nullif(n.creator_id, ''), c.creator_id),
    university_id = case when
      /* keeps org unit */
      n.university_id = c.university_id
        and (n.branch_id is null or n.branch_id is not distinct from c.branch_id)
        and (n.faculty_id is null or n.faculty_id is not distinct from c.faculty_id)
      or n.without_kpp and n.university_id <> c.university_id
        and n.inn = (select u.inn from directory.universities u where u.id = c.university_id)
      /* end */
      then c.university_id else n.university_id end,
    branch_id = case when
      /* keeps org unit */
      n.university_id = c.university_id
        and (n.branch_id is null or n.branch_id is not distinct from c.branch_id)
        and (n.faculty_id is null or n.faculty_id is not distinct from c.faculty_id)
      or n.without_kpp and n.university_id <> c.university_id
        and n.inn = (select u.inn from directory.universities u where u.id = c.university_id)
      /* end */
      then c.branch_id else n.branch_id end,
    faculty_id = case when
      /* keeps org unit */
      n.university_id = c.university_id
        and (n.branch_id is null or n.branch_id is not distinct from c.branch_id)
        and (n.faculty_id is null or n.faculty_id is not distinct from c.faculty_id)
      or n.without_kpp and n.university_id <> c.university_id
        and n.inn = (select u.inn from directory.universities u where u.id = c.university_id)
      /* end */
      then c.faculty_id else n.faculty_id end,
    source = case when c.source = any ((select o.weaker_tags from load_source o)::text[])
                  then (select o.tag from load_source o) else c.source end
  from (
    select w.id, w.url, w.name, w.external_chat_id, w.participants, w.created_on, w.creator_id,
           w.university_id, w.branch_id, w.faculty_id, w.inn, w.without_kpp
    from chat_changes w
    order by w.url offset 0
  ) n
  where c.id = n.id
    and not (
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
    )
  returning c.id
)
insert into merge_counts (updated)
select count(*) as updated from updated_chats;
