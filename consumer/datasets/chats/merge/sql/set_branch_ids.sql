update stage_org_units s set branch_id = (
  select b.id from directory.branches b where b.university_id = s.university_id and b.name = s.branch
)
where s.branch <> '';
