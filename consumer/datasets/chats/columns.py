"""Checks a whole column: one look finds what is not evidently clean; its rule is asked of that, by a memo."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from types import NoneType
from typing import cast

from consumer.datasets.chats import evident
from consumer.datasets.chats.evident import NEVER, Evident
from consumer.datasets.chats.memo import Memo, copied, is_odd
from consumer.datasets.chats.rules.day import day
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.tax import inn, kpp
from consumer.datasets.chats.rules.text import short_text, text
from consumer.datasets.chats.rules.url import url
from consumer.datasets.chats.rules.verdict import Rule, Verdict
from consumer.datasets.chats.rules.whole import whole
from consumer.records import Cell

MEMORABLE = frozenset({str, float, int, NoneType, date})
"""Types whose equal values mean the same. Not bool (True == 1), not datetime (zones)."""
TEXT = frozenset({str})
TEXT_OR_EMPTY = frozenset({str, NoneType})


@dataclass(frozen=True, slots=True)
class Column:
    """COPY text of each cell, and by place the verdicts that warn or reject."""

    texts: Sequence[str]
    odd: Mapping[int, Verdict]


class ColumnRule:
    """One rule over the cells of one field, chunk after chunk; `clean` tells where it need not be asked."""

    def __init__(self, rule: Rule, clean: Evident | None = None) -> None:
        self._rule = rule
        self._evident = clean
        self._memo = Memo(rule)
        self._bools = (rule(False), rule(True))

    def read(self, cells: Sequence[Cell]) -> Column:
        """Check every cell."""
        if self._evident is None:
            return self._ask(cells)
        kinds = set(map(type, cells))
        if kinds == {float} and self._evident.keeps_numbers:
            numbers = cast("Sequence[float]", cells)
            if evident.whole_numbers(numbers):
                return Column(list(map(str, map(int, numbers))), {})
        return self._sift(cells, _texts(cells, kinds), self._evident)

    def _sift(self, cells: Sequence[Cell], texts: Sequence[str], clean: Evident) -> Column:
        """Leave what is evidently clean, ask about the rest: a few odd cells must not cost a column."""
        doubtful = clean.doubtful(texts)
        if not doubtful:
            return Column(texts, {})
        asked = self._ask([cells[place] for place in doubtful])
        written = list(texts)
        for place, answer in zip(doubtful, asked.texts, strict=True):
            written[place] = answer
        return Column(written, {doubtful[place]: verdict for place, verdict in asked.odd.items()})

    def _ask(self, cells: Sequence[Cell]) -> Column:
        """Through the memo; cells that it must not hold are asked about one by one."""
        if set(map(type, cells)) <= MEMORABLE:
            return Column(self._memo.texts(cells), self._memo.odd_among(cells))
        others = [place for place, cell in enumerate(cells) if cell.__class__ not in MEMORABLE]
        known = list(cells)
        for place in others:
            known[place] = None
        texts, odd = self._memo.texts(known), self._memo.odd_among(known)
        for place in others:
            verdict = self._verdict(cells[place])
            texts[place] = copied(verdict)
            odd.pop(place, None)
            if is_odd(verdict):
                odd[place] = verdict
        return Column(texts, odd)

    def _verdict(self, cell: Cell) -> Verdict:
        return self._bools[cell] if isinstance(cell, bool) else self._rule(cell)


def _texts(cells: Sequence[Cell], kinds: AbstractSet[type]) -> Sequence[str]:
    """The cells, if they are texts; an empty one says what the empty text says, others are never clean."""
    if kinds <= TEXT:
        return cast("Sequence[str]", cells)
    if kinds <= TEXT_OR_EMPTY:
        return [cast("str", cell or "") for cell in cells]
    return [cell if isinstance(cell, str) else NEVER if cell is not None else "" for cell in cells]


def column_rules() -> dict[str, ColumnRule]:
    """The rule of every field, in the order errors are listed; memos are empty."""
    return {
        "url": ColumnRule(url, evident.url),
        "inn": ColumnRule(inn),
        "kpp": ColumnRule(kpp),
        "name": ColumnRule(name, evident.name),
        "external_chat_id": ColumnRule(text, evident.text),
        "participants": ColumnRule(whole),
        "created_on": ColumnRule(day),
        "creator_id": ColumnRule(text, evident.text),
        "phone": ColumnRule(phone, evident.phone),
        "owner_id": ColumnRule(text, evident.text),
        "add_user": ColumnRule(flag),
        "add_admin": ColumnRule(flag),
        "organization": ColumnRule(text),
        "foiv": ColumnRule(text),
        "region": ColumnRule(text),
        "region_number": ColumnRule(text),
        "branch": ColumnRule(short_text),
        "faculty": ColumnRule(short_text),
        "course": ColumnRule(whole),
        "group": ColumnRule(short_text, evident.short_text),
    }
