-- Two numbers are never the same group: either all rows of a source have a КПП column or none has.
with requested_groups as materialized (
  select s.number, s.course, s.name, u.university_id, u.branch_id, u.faculty_id,
         g.id is null as is_missing, coalesce(g.id, nextval('directory.groups_id_seq')) as id
  from stage_groups s
  cross join lateral (
    select i.university_id, i.branch_id, i.faculty_id
    from org_unit_ids i where i.number = s.org_unit offset 0
  ) u
  left join lateral (
    select g.id from directory.groups g
    where g.university_id = u.university_id and g.name = s.name
      and coalesce(g.course, -1) = coalesce(s.course, -1)
      and coalesce(g.faculty_id, 0) = coalesce(u.faculty_id, 0)
      and coalesce(g.branch_id, 0) = coalesce(u.branch_id, 0) offset 0
  ) g on true
),
inserted_groups as (
  insert into directory.groups (id, university_id, branch_id, faculty_id, course, name)
  select r.id, r.university_id, r.branch_id, r.faculty_id, r.course, r.name
  from requested_groups r
  where r.is_missing
  order by r.university_id, r.name, coalesce(r.course, -1), coalesce(r.faculty_id, 0), coalesce(r.branch_id, 0)
)
insert into group_ids (number, group_id)
select r.number, r.id as group_id from requested_groups r;
