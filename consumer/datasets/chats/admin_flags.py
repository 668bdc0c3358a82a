"""Resolves the two flags of an administrator, which depend on each other: both empty means both true."""

from collections import Counter
from collections.abc import Sequence

from consumer.datasets.chats.apply_rules import ValidatedRows
from consumer.datasets.chats.copy_text import FALSE, NULL, TRUE, to_copy_text
from consumer.datasets.chats.rules.flag import resolve_flags
from schemas.codes import WarningCode

FLAG_BY_COPY_TEXT = {TRUE: True, FALSE: False, NULL: None}


def resolve_admin_flags(rows: ValidatedRows) -> tuple[Sequence[str], Sequence[str], Counter[str]]:
    """Both flags of each row, and a warning for every empty cell beside one that is not.

    From a source with neither column both stay null, so that it overrides no stored flag.
    """
    users, admins = rows.copy_texts("add_user", NULL), rows.copy_texts("add_admin", NULL)
    if "add_user" not in rows.columns and "add_admin" not in rows.columns:
        return users, admins, Counter()
    if NULL not in users and NULL not in admins:
        return users, admins, Counter()
    pairs = [STORED_FLAGS[pair] for pair in zip(users, admins, strict=True)]
    half_empty = sum((user == NULL) != (admin == NULL) for user, admin in zip(users, admins, strict=True))
    warned = half_empty if rows.columns.keys() >= {"add_user", "add_admin"} else 0
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], Counter({WarningCode.FLAG: warned})


STORED_FLAGS = {
    (user, admin): tuple(map(to_copy_text, resolve_flags(FLAG_BY_COPY_TEXT[user], FLAG_BY_COPY_TEXT[admin])))
    for user in FLAG_BY_COPY_TEXT
    for admin in FLAG_BY_COPY_TEXT
}
"""COPY texts of both cells → COPY texts of both stored flags."""
