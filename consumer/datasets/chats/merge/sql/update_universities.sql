update directory.universities u set
  name = coalesce(nullif(n.name, ''), u.name),
  foiv = coalesce(nullif(n.foiv, ''), u.foiv),
  region = coalesce(nullif(n.region, ''), u.region),
  region_number = coalesce(nullif(n.region_number, ''), u.region_number)
from (
  -- Each value of a university is staged at most once per load; `max` skips the empty ones.
  select i.university_id, i.inn, max(s.name) as name, max(s.foiv) as foiv, max(s.region) as region,
         max(s.region_number) as region_number
  from stage_universities s
  cross join lateral (
    select o.university_id, o.inn from org_unit_ids o where o.number = s.org_unit offset 0
  ) i
  group by i.university_id, i.inn order by i.inn, i.university_id offset 0
) n
where u.id = n.university_id
  and (n.name not in ('', u.name) or n.foiv not in ('', u.foiv)
       or n.region not in ('', u.region) or n.region_number not in ('', u.region_number));
