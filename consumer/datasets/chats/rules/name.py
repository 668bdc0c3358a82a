"""Names of chats: quotes around the whole name are removed, quotes inside it stay."""

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import Cell
from consumer.datasets.chats.rules.result import Invalid, RuleResult, Valid
from consumer.datasets.chats.rules.text import text

MAX_QUOTE_DEPTH = 10
"""Bounds the time: each pair of quotes takes a pass over the whole name."""
QUOTE_PAIRS = {"'": "'", '"': '"', "«": "»", "“": "”", "„": "“"}


def name(cell: Cell) -> RuleResult:
    """The text without the quotes around it, pair by pair."""
    written = text(cell)
    if isinstance(written, Invalid):
        return written
    return Valid(strip_quotes(str(written.value)), written.warning)


def strip_quotes(value: str) -> str:
    """`'«Чат»'` becomes `Чат`; `«А» и «Б»` and a lone quote stay."""
    for _ in range(MAX_QUOTE_DEPTH):
        if not _is_quoted(value):
            break
        value = strip_blanks(value[1:-1])
    return value


def _is_quoted(value: str) -> bool:
    if len(value) < 2 or QUOTE_PAIRS.get(value[0]) != value[-1]:
        return False
    opening, inside, closing = value[0], value[1:-1], value[-1]
    if opening not in inside and closing not in inside:
        return True
    return _closes_at_end(value) if opening == closing else _balanced(value, opening, closing)


def _balanced(value: str, opening: str, closing: str) -> bool:
    depth = 0
    for end, char in enumerate(value, 1):
        depth += (char == opening) - (char == closing)
        if depth == 0:
            return end == len(value)
    return False


def _closes_at_end(value: str) -> bool:
    """For quotes that open and close alike: one after a blank or an opening quote opens, too."""
    quote, depth, opens = value[0], 1, True
    last = len(value) - 1
    for index in range(1, last):
        if value[index] != quote:
            opens = value[index].isspace() or value[index] in "(["
        elif opens:
            depth += 1
        elif not value[index + 1].isalnum():  # else an apostrophe within a word
            depth -= 1
        if depth == 0:
            return False
    return True
