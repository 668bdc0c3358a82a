"""What the merge of rows asks of groups: nothing where a source cannot tell of any."""

from consumer.datasets.chats import staging

WITH_GROUPS: dict[str, str] = {
    ":group_id": "p.group_id",
    ":placed": "left join lateral (select p.group_id from place p where p.no = s.place offset 0) p on true",
    ":new_group_id": "case when l.chat_id is null then w.group_id end",
    # a workbook without groups has no links to be looked for
    ":linked": """left join (
    select l.chat_id, l.group_id from directory.chat_groups l
    where l.chat_id = any (array(select id from found where exists (select from place) order by id)) offset 0
  ) l on l.chat_id = c.id and l.group_id = w.group_id""",
    ":or_unlinked": "or w.group_id is not null and l.chat_id is null",
}
"""The parts of the statement that look for groups and links, by name."""

WITHOUT_GROUPS: dict[str, str] = dict.fromkeys(WITH_GROUPS, "") | {
    ":group_id": "null::bigint",
    ":new_group_id": "null::bigint",
}
"""The same for rows that have no column for a group."""


def group_clauses(source_type: str) -> dict[str, str]:
    """The parts for rows from this type of source."""
    return WITH_GROUPS if "place" in staging.chats_table(source_type).columns else WITHOUT_GROUPS
