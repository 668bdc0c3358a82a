"""Remembers what a rule said of a value, so that it is asked once and not for every cell."""

from collections.abc import Sequence

from consumer.cells.chunks import Cell
from consumer.datasets.chats.copy_text import NULL, to_copy_text
from consumer.datasets.chats.rules.result import Invalid, Rule, RuleResult

MAX_CACHED_VALUES = 8_192
"""Values kept from one chunk to the next: a nearly unique column fills its memo and starts anew."""


class RuleCache(dict[Cell, str]):
    """Cell → COPY text; verdicts that warn or reject lie in `odd`.

    Cells must be of types whose equal values are written alike: True equals 1 and must stay outside.
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self._rule = rule
        self.flagged: dict[Cell, RuleResult] = {}

    def __missing__(self, cell: Cell) -> str:
        verdict = self._rule(cell)
        if is_flagged(verdict):
            self.flagged[cell] = verdict
        self[cell] = result_to_copy_text(verdict)
        return self[cell]

    def copy_texts(self, cells: Sequence[Cell]) -> list[str]:
        """The COPY text of each cell."""
        if len(self) > MAX_CACHED_VALUES:
            self.clear()
            self.flagged.clear()
        return list(map(self.__getitem__, cells))

    def flagged_among(self, cells: Sequence[Cell]) -> dict[int, RuleResult]:
        """The verdicts that warn or reject, by place in `cells`."""
        if not self.flagged or self.flagged.keys().isdisjoint(cells):
            return {}
        return {place: self.flagged[cell] for place, cell in enumerate(cells) if cell in self.flagged}


def is_flagged(result: RuleResult) -> bool:
    """Whether a verdict has more to say than the value."""
    return isinstance(result, Invalid) or result.warning is not None


def result_to_copy_text(result: RuleResult) -> str:
    """The value of a verdict as COPY text; a wrong one never reaches COPY."""
    return NULL if isinstance(result, Invalid) else to_copy_text(result.value)
