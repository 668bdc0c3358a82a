insert into directory.faculties (university_id, branch_id, name)
select distinct s.university_id, s.branch_id, s.faculty
from stage_org_units s
left join lateral (
  select true as is_present from directory.faculties f
  where f.university_id = s.university_id and f.name = s.faculty
    and coalesce(f.branch_id, 0) = coalesce(s.branch_id, 0) offset 0
) f on true
where s.faculty <> '' and f.is_present is null
order by s.university_id, s.faculty, s.branch_id;
