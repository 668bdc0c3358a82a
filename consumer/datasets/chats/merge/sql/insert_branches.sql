insert into directory.branches (university_id, name)
select distinct s.university_id, s.branch
from stage_org_units s
left join lateral (
  select true as is_present from directory.branches b
  where b.university_id = s.university_id and b.name = s.branch offset 0
) b on true
where s.branch <> '' and b.is_present is null
order by s.university_id, s.branch;
