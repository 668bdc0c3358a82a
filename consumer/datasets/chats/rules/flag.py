"""Yes and no, as exports of several systems write them."""

from consumer.datasets.chats.rules.text import as_text
from consumer.datasets.chats.rules.verdict import Clean, Verdict, Wrong
from consumer.records import Cell
from schemas.codes import WarningCode

TRUE = frozenset({"1", "true", "истина", "да"})
FALSE = frozenset({"0", "false", "ложь", "нет"})

UNREADABLE = Clean(False, WarningCode.FLAG)


def flag(cell: Cell) -> Verdict:
    """True, false, or None when the cell is empty; `both` says what an empty one means."""
    written = as_text(cell)
    if isinstance(written, Wrong) or written.warning:
        return UNREADABLE
    word = str(written.value).casefold()
    if word in TRUE or word in FALSE:
        return Clean(word in TRUE)
    return UNREADABLE if word else Clean(None)


def both(user: bool | None, admin: bool | None) -> tuple[bool, bool]:
    """The flags of one administrator: both empty means both true, else an empty one is false."""
    if user is None and admin is None:
        return True, True
    return bool(user), bool(admin)
