"""Updates of what differs, in key order, each asking again whether it does, and counting what it did."""

from schemas.codes import WarningCode

FORCE_NESTED_LOOP = "set local enable_hashjoin = off; set local enable_mergejoin = off"
"""A join that scans the target would be quadratic over a load, and would lock in no order."""
RESET_PLANNER = "set local enable_hashjoin = on; set local enable_mergejoin = on"

UPDATE_UNIVERSITIES = """
update directory.universities u set
  name = coalesce(nullif(w.name, ''), u.name),
  foiv = coalesce(nullif(w.foiv, ''), u.foiv),
  region = coalesce(nullif(w.region, ''), u.region),
  region_number = coalesce(nullif(w.region_number, ''), u.region_number)
from (
  -- within a load the child tells each value of a university once
  select n.university_id, n.inn, max(s.name) as name, max(s.foiv) as foiv, max(s.region) as region,
         max(s.region_number) as region_number
  from stage_universities s
  cross join lateral (select * from node n where n.no = s.node offset 0) n
  group by 1, 2 order by 2, 1 offset 0
) w
where u.id = w.university_id
  and (w.name not in ('', u.name) or w.foiv not in ('', u.foiv)
       or w.region not in ('', u.region) or w.region_number not in ('', u.region_number))
"""

UPDATE_CHATS = """
with done as (
  update directory.chats c set
    name = coalesce(nullif(w.name, ''), c.name),
    external_chat_id = coalesce(nullif(w.external_chat_id, ''), c.external_chat_id),
    participants = coalesce(w.participants, c.participants),
    created_on = coalesce(w.created_on, c.created_on),
    creator_id = coalesce(nullif(w.creator_id, ''), c.creator_id),
    university_id = case when :stays then c.university_id else w.university_id end,
    branch_id = case when :stays then c.branch_id else w.branch_id end,
    faculty_id = case when :stays then c.faculty_id else w.faculty_id end,
    source = case when c.source = any (:lower) then :tag else c.source end
  from (select * from chat_changes order by url offset 0) w
  where c.id = w.id and not :same_chat
  returning 1
)
insert into tally (updated) select count(*) from done
"""

UPDATE_ADMINISTRATORS = """
update directory.administrators a set
  max_id = coalesce(nullif(w.max_id, ''), a.max_id),
  add_user = coalesce(w.add_user, a.add_user),
  add_admin = coalesce(w.add_admin, a.add_admin)
from (select * from administrator_changes order by chat_id, phone offset 0) w
where a.chat_id = w.chat_id and a.phone = w.phone and not :same_administrator
"""

STATEMENTS = (FORCE_NESTED_LOOP, UPDATE_UNIVERSITIES, UPDATE_CHATS, UPDATE_ADMINISTRATORS, RESET_PLANNER)

COUNTS_QUERY = f"""
select sum(inserted)::bigint as inserted,
       sum(updated)::bigint as updated,
       (sum(firsts) - sum(inserted) - sum(updated))::bigint as unchanged,
       sum(duplicates)::bigint as duplicates,
       jsonb_strip_nulls(jsonb_build_object(
         '{WarningCode.INN_AMBIGUOUS}', nullif(sum(ambiguous), 0))) as warnings
from tally
"""  # noqa: S608 – a code of ours
