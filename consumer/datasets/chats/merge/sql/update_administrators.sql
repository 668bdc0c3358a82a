update directory.administrators a set
  max_id = coalesce(nullif(n.max_id, ''), a.max_id),
  add_user = coalesce(n.add_user, a.add_user),
  add_admin = coalesce(n.add_admin, a.add_admin)
from (
  select w.chat_id, w.phone, w.max_id, w.add_user, w.add_admin
  from administrator_changes w
  order by w.chat_id, w.phone offset 0
) n
where a.chat_id = n.chat_id and a.phone = n.phone
  and not (
    /* administrator unchanged */
    (n.max_id = '' or n.max_id = a.max_id)
    and (n.add_user is null or n.add_user = a.add_user)
    and (n.add_admin is null or n.add_admin = a.add_admin)
    /* end */
  );
