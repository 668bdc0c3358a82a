"""Universities, branches, faculties and groups: found or made, each once a session.

A plain insert in key order, after a look: where another load was quicker the unique violation repeats
the batch.
"""

INSERT_UNIVERSITIES = """
with missing as (
  select s.inn, coalesce(s.kpp, '') as kpp
  from stage_nodes s
  left join lateral (
    select true as there from directory.universities u
    where u.inn = s.inn and (s.kpp is null or u.kpp = s.kpp) limit 1
  ) u on true
  where u.there is null
  group by 1, 2 order by min(s.position) offset 0
),
numbered as materialized (  -- ids in the order of rows, so that "the lowest id" knows no batches
  select nextval('directory.universities_id_seq') as id, inn, kpp from missing
)
insert into directory.universities (id, inn, kpp)
select id, inn, kpp from numbered order by inn, kpp
"""

SET_UNIVERSITY_IDS = """
update stage_nodes s set (university_id, ambiguous) = (
  select min(u.id), count(*) > 1 from directory.universities u
  where u.inn = s.inn and (s.kpp is null or u.kpp = s.kpp)
)
"""
"""Rows that know no КПП column take the one university with their ИНН; of several, the lowest id."""

INSERT_BRANCHES = """
insert into directory.branches (university_id, name)
select distinct s.university_id, s.branch
from stage_nodes s
left join lateral (
  select true as there from directory.branches b
  where b.university_id = s.university_id and b.name = s.branch offset 0
) b on true
where s.branch <> '' and b.there is null
order by 1, 2
"""

SET_BRANCH_IDS = """
update stage_nodes s set branch_id = (
  select b.id from directory.branches b where b.university_id = s.university_id and b.name = s.branch
)
where s.branch <> ''
"""

INSERT_FACULTIES = """
insert into directory.faculties (university_id, branch_id, name)
select distinct s.university_id, s.branch_id, s.faculty
from stage_nodes s
left join lateral (
  select true as there from directory.faculties f
  where f.university_id = s.university_id and f.name = s.faculty
    and coalesce(f.branch_id, 0) = coalesce(s.branch_id, 0) offset 0
) f on true
where s.faculty <> '' and f.there is null
order by 1, 3, 2
"""

INSERT_ORG_UNITS = """
insert into node (no, inn, without_kpp, ambiguous, university_id, branch_id, faculty_id)
select s.no, s.inn, coalesce(s.kpp, '') = '', s.ambiguous, s.university_id, s.branch_id, f.id
from stage_nodes s
left join lateral (
  select f.id from directory.faculties f
  where s.faculty <> '' and f.university_id = s.university_id and f.name = s.faculty
    and coalesce(f.branch_id, 0) = coalesce(s.branch_id, 0) offset 0
) f on true
"""

# Distinct places are distinct groups: within one source all rows know a КПП column, or none does.
INSERT_GROUPS = """
with wanted as materialized (
  select s.no, s.course, s.name, n.university_id, n.branch_id, n.faculty_id,
         g.id is null as missing, coalesce(g.id, nextval('directory.groups_id_seq')) as id
  from stage_places s
  cross join lateral (select * from node n where n.no = s.node offset 0) n
  left join lateral (
    select g.id from directory.groups g
    where g.university_id = n.university_id and g.name = s.name
      and coalesce(g.course, -1) = coalesce(s.course, -1)
      and coalesce(g.faculty_id, 0) = coalesce(n.faculty_id, 0)
      and coalesce(g.branch_id, 0) = coalesce(n.branch_id, 0) offset 0
  ) g on true
),
made as (
  insert into directory.groups (id, university_id, branch_id, faculty_id, course, name)
  select id, university_id, branch_id, faculty_id, course, name from wanted where missing
  order by university_id, name, coalesce(course, -1), coalesce(faculty_id, 0), coalesce(branch_id, 0)
)
insert into place (no, group_id) select no, id from wanted
"""

STATEMENTS = (
    INSERT_UNIVERSITIES,
    SET_UNIVERSITY_IDS,
    INSERT_BRANCHES,
    SET_BRANCH_IDS,
    INSERT_FACULTIES,
    INSERT_ORG_UNITS,
    INSERT_GROUPS,
)
