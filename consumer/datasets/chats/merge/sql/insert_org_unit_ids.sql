insert into org_unit_ids (number, inn, without_kpp, ambiguous, university_id, branch_id, faculty_id)
select s.number, s.inn, coalesce(s.kpp, '') = '' as without_kpp, s.ambiguous, s.university_id, s.branch_id,
       f.id as faculty_id
from stage_org_units s
left join lateral (
  select f.id from directory.faculties f
  where s.faculty <> '' and f.university_id = s.university_id and f.name = s.faculty
    and coalesce(f.branch_id, 0) = coalesce(s.branch_id, 0) offset 0
) f on true;
