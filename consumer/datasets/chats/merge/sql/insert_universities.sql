-- Ids are assigned in the order of rows, so that "the lowest id" does not depend on the size of batches.
with missing as (
  select s.inn, coalesce(s.kpp, '') as kpp
  from stage_org_units s
  left join lateral (
    select true as is_present from directory.universities u
    where u.inn = s.inn and (s.kpp is null or u.kpp = s.kpp) limit 1
  ) u on true
  where u.is_present is null
  group by s.inn, coalesce(s.kpp, '') order by min(s.position) offset 0
),
numbered as materialized (
  select nextval('directory.universities_id_seq') as id, m.inn, m.kpp from missing m
)
insert into directory.universities (id, inn, kpp)
select n.id, n.inn, n.kpp from numbered n order by n.inn, n.kpp;
