"""The two flags of an administrator belong together: both empty means both true."""

from collections import Counter
from collections.abc import Sequence

from consumer.datasets.chats.copytext import NULL, rendered
from consumer.datasets.chats.reading import Reading
from consumer.datasets.chats.rules.flag import both
from schemas.codes import WarningCode

READ = {"t": True, "f": False, NULL: None}


def administrators(rows: Reading) -> tuple[Sequence[str], Sequence[str], Counter[str]]:
    """The flags of each row, and a warning for every cell left empty beside one that is not.

    A source with neither column says nothing: both stay null, so that a later load of it overrides no one.
    """
    user, admin = rows.texts("add_user", NULL), rows.texts("add_admin", NULL)
    if "add_user" not in rows.columns and "add_admin" not in rows.columns:
        return user, admin, Counter()
    if NULL not in user and NULL not in admin:
        return user, admin, Counter()
    pairs = [PAIRS[pair] for pair in zip(user, admin, strict=True)]
    half = sum((one == NULL) != (other == NULL) for one, other in zip(user, admin, strict=True))
    warned = half if rows.columns.keys() >= {"add_user", "add_admin"} else 0
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs], Counter({WarningCode.FLAG: warned})


PAIRS = {(one, other): tuple(map(rendered, both(READ[one], READ[other]))) for one in READ for other in READ}
"""Both flags as read → both as stored."""
