"""Flags, as several systems export them."""

from consumer.cells.chunks import Cell
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from consumer.datasets.chats.rules.text import as_text
from schemas.codes import WarningCode

TRUE_WORDS = frozenset({"1", "true", "истина", "да"})
FALSE_WORDS = frozenset({"0", "false", "ложь", "нет"})

UNRECOGNIZED = Valid(False, WarningCode.FLAG)


def flag(cell: Cell) -> RuleResult:
    """True, false, or None for an empty cell, which `resolve_flags` decides."""
    written = as_text(cell)
    if isinstance(written, Invalid) or written.warning:
        return UNRECOGNIZED
    word = str(written.value).casefold()
    if word in TRUE_WORDS or word in FALSE_WORDS:
        return Valid(word in TRUE_WORDS)
    return UNRECOGNIZED if word else Valid(None)


def resolve_flags(user: bool | None, admin: bool | None) -> tuple[bool, bool]:
    """Both flags of an administrator: both true if both are empty, else an empty one is false."""
    if user is None and admin is None:
        return True, True
    return bool(user), bool(admin)
