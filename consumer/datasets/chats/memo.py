"""Remembers what a rule said of a value, so that it is asked once and not for every cell."""

from collections.abc import Sequence

from consumer.datasets.chats.copytext import NULL, rendered
from consumer.datasets.chats.rules.verdict import Rule, Verdict, Wrong
from consumer.records import Cell

LIMIT = 8_192
"""Values kept from one chunk to the next: a nearly unique column fills its memo and starts anew."""


class Memo(dict[Cell, str]):
    """Cell → COPY text; verdicts that warn or reject lie in `odd`.

    Cells must be of types whose equal values are written alike: True equals 1 and must stay outside.
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self._rule = rule
        self.odd: dict[Cell, Verdict] = {}

    def __missing__(self, cell: Cell) -> str:
        verdict = self._rule(cell)
        if is_odd(verdict):
            self.odd[cell] = verdict
        self[cell] = copied(verdict)
        return self[cell]

    def texts(self, cells: Sequence[Cell]) -> list[str]:
        """The COPY text of each cell."""
        if len(self) > LIMIT:
            self.clear()
            self.odd.clear()
        return list(map(self.__getitem__, cells))

    def odd_among(self, cells: Sequence[Cell]) -> dict[int, Verdict]:
        """The verdicts that warn or reject, by place in `cells`."""
        if not self.odd or self.odd.keys().isdisjoint(cells):
            return {}
        return {place: self.odd[cell] for place, cell in enumerate(cells) if cell in self.odd}


def is_odd(verdict: Verdict) -> bool:
    """Whether a verdict has more to say than the value."""
    return isinstance(verdict, Wrong) or verdict.warning is not None


def copied(verdict: Verdict) -> str:
    """The value of a verdict as COPY text; a wrong one never reaches COPY."""
    return NULL if isinstance(verdict, Wrong) else rendered(verdict.value)
