"""The two flags of an administrator belong together: both empty means both true."""

from collections import Counter
from collections.abc import Sequence

from consumer.datasets.chats.apply_rules import ValidatedRows
from consumer.datasets.chats.copy_text import NULL, to_copy_text
from consumer.datasets.chats.rules.flag import resolve_flags
from schemas.codes import WarningCode

FLAG_BY_COPY_TEXT = {"t": True, "f": False, NULL: None}


def resolve_admin_flags(rows: ValidatedRows) -> tuple[Sequence[str], Sequence[str], Counter[str]]:
    """The flags of each row, and a warning for every cell left empty beside one that is not.

    A source with neither column says nothing: both stay null, so that a later load of it overrides no one.
    """
    user, admin = rows.copy_texts("add_user", NULL), rows.copy_texts("add_admin", NULL)
    if "add_user" not in rows.columns and "add_admin" not in rows.columns:
        return user, admin, Counter()
    if NULL not in user and NULL not in admin:
        return user, admin, Counter()
    pairs = [STORED_FLAGS[pair] for pair in zip(user, admin, strict=True)]
    half = sum((one == NULL) != (other == NULL) for one, other in zip(user, admin, strict=True))
    warned = half if rows.columns.keys() >= {"add_user", "add_admin"} else 0
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], Counter({WarningCode.FLAG: warned})


STORED_FLAGS = {
    (one, other): tuple(map(to_copy_text, resolve_flags(FLAG_BY_COPY_TEXT[one], FLAG_BY_COPY_TEXT[other])))
    for one in FLAG_BY_COPY_TEXT
    for other in FLAG_BY_COPY_TEXT
}
"""Both flags as read → both as stored."""
