select sum(m.inserted)::bigint as inserted,
       sum(m.updated)::bigint as updated,
       (sum(m.distinct_chats) - sum(m.inserted) - sum(m.updated))::bigint as unchanged,
       sum(m.duplicates)::bigint as duplicates,
       jsonb_strip_nulls(jsonb_build_object('inn_ambiguous', nullif(sum(m.ambiguous), 0))) as warnings
from merge_counts m;
