"""Checks a whole column: one look finds what is not evidently clean; its rule is asked of that, by a memo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import NoneType
from typing import cast

from consumer.datasets.chats import evident
from consumer.datasets.chats.evident import Evident
from consumer.datasets.chats.memo import Memo, copied, is_odd
from consumer.datasets.chats.rules.day import day
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.tax import inn, kpp
from consumer.datasets.chats.rules.text import short_text, text
from consumer.datasets.chats.rules.url import url
from consumer.datasets.chats.rules.verdict import Clean, Rule, Verdict
from consumer.datasets.chats.rules.whole import whole
from consumer.records import Cell, ErrorCell, FormulaWithoutValue
from schemas.codes import WarningCode

MEMORABLE = frozenset({str, ErrorCell, float, int, NoneType, date})
"""Types whose equal values mean the same. Not bool (True == 1), not datetime (zones)."""
TEXT_OR_EMPTY = frozenset({str, ErrorCell, NoneType})


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
        if kinds <= TEXT_OR_EMPTY:
            texts = cast("Sequence[str]", [cell or "" for cell in cells] if kinds != {str} else cells)
            doubtful = self._evident.doubtful(texts)
            return self._answered(cells, texts, doubtful) if doubtful else Column(texts, {})
        return self._answered(cells, cells, self._evident.one_by_one(cells))

    def _answered(self, cells: Sequence[Cell], texts: Sequence[Cell], doubtful: Sequence[int]) -> Column:
        """The texts, with the rule's answers in some places: a few odd cells must not cost a column."""
        asked = self._ask([cells[place] for place in doubtful])
        written = list(texts)
        for place, answer in zip(doubtful, asked.texts, strict=True):
            written[place] = answer
        odd = {doubtful[place]: verdict for place, verdict in asked.odd.items()}
        return Column(cast("Sequence[str]", written), odd)

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
        if isinstance(cell, bool):
            return self._bools[cell]
        verdict = self._rule(cell)
        if isinstance(cell, FormulaWithoutValue) and isinstance(verdict, Clean):
            return Clean(verdict.value, WarningCode.FORMULA_WITHOUT_VALUE)
        return verdict


def column_rules(last_day: date) -> dict[str, ColumnRule]:
    """The rule of every field, in the order errors are listed; memos are empty."""
    return {
        "url": ColumnRule(url, evident.url),
        "inn": ColumnRule(inn),
        "kpp": ColumnRule(kpp),
        "name": ColumnRule(name, evident.name),
        "external_chat_id": ColumnRule(text, evident.text),
        "participants": ColumnRule(whole),
        "created_on": ColumnRule(partial(day, last=last_day)),
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
