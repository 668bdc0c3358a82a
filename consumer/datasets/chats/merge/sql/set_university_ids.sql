-- Rows of a source without a КПП column take the university with their ИНН; of several, the lowest id.
update stage_org_units s set (university_id, ambiguous) = (
  select min(u.id) as university_id, count(*) > 1 as ambiguous
  from directory.universities u
  where u.inn = s.inn and (s.kpp is null or u.kpp = s.kpp)
);
