"""Checks a whole column: one look finds what is not evidently clean; its rule is asked of that, by a memo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import NoneType
from typing import cast

from consumer.cells.chunks import Cell, ErrorCell, FormulaWithoutValue
from consumer.datasets.chats import bulk_check
from consumer.datasets.chats.bulk_check import BulkCheck
from consumer.datasets.chats.rule_cache import RuleCache, is_flagged, result_to_copy_text
from consumer.datasets.chats.rules.date import chat_date
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.inn_kpp import inn, kpp
from consumer.datasets.chats.rules.integer import integer
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Rule, RuleResult, Valid
from consumer.datasets.chats.rules.text import short_text, text
from consumer.datasets.chats.rules.url import url
from schemas.codes import WarningCode

CACHEABLE_TYPES = frozenset({str, ErrorCell, float, int, NoneType, date})
"""Types whose equal values mean the same. Not bool (True == 1), not datetime (zones)."""
TEXT_OR_EMPTY_TYPES = frozenset({str, ErrorCell, NoneType})


@dataclass(frozen=True, slots=True)
class ValidatedColumn:
    """COPY text of each cell, and by place the verdicts that warn or reject."""

    copy_texts: Sequence[str]
    flagged: Mapping[int, RuleResult]


class ColumnValidator:
    """One rule over the cells of one field, chunk after chunk; `clean` tells where it need not be asked."""

    def __init__(self, rule: Rule, bulk: BulkCheck | None = None) -> None:
        self._rule = rule
        self._bulk_check = bulk
        self._cache = RuleCache(rule)
        self._bool_results = (rule(False), rule(True))

    def validate(self, cells: Sequence[Cell]) -> ValidatedColumn:
        """Check every cell."""
        if self._bulk_check is None:
            return self._apply_rule(cells)
        kinds = set(map(type, cells))
        if kinds == {float} and self._bulk_check.accepts_integers:
            numbers = cast("Sequence[float]", cells)
            if bulk_check.are_exact_integers(numbers):
                return ValidatedColumn(list(map(str, map(int, numbers))), {})
        if kinds <= TEXT_OR_EMPTY_TYPES:
            texts = cast("Sequence[str]", [cell or "" for cell in cells] if kinds != {str} else cells)
            doubtful = self._bulk_check.needs_rule(texts)
            return self._patch(cells, texts, doubtful) if doubtful else ValidatedColumn(texts, {})
        return self._patch(cells, cells, self._bulk_check.check_each(cells))

    def _patch(self, cells: Sequence[Cell], texts: Sequence[Cell], indexes: Sequence[int]) -> ValidatedColumn:
        """The texts, with the rule's answers in some places: a few odd cells must not cost a column."""
        asked = self._apply_rule([cells[place] for place in indexes])
        written = list(texts)
        for place, answer in zip(indexes, asked.copy_texts, strict=True):
            written[place] = answer
        odd = {indexes[place]: verdict for place, verdict in asked.flagged.items()}
        return ValidatedColumn(cast("Sequence[str]", written), odd)

    def _apply_rule(self, cells: Sequence[Cell]) -> ValidatedColumn:
        """Through the memo; cells that it must not hold are asked about one by one."""
        if set(map(type, cells)) <= CACHEABLE_TYPES:
            return ValidatedColumn(self._cache.copy_texts(cells), self._cache.flagged_among(cells))
        others = [place for place, cell in enumerate(cells) if cell.__class__ not in CACHEABLE_TYPES]
        known = list(cells)
        for place in others:
            known[place] = None
        texts, odd = self._cache.copy_texts(known), self._cache.flagged_among(known)
        for place in others:
            verdict = self._result_of(cells[place])
            texts[place] = result_to_copy_text(verdict)
            odd.pop(place, None)
            if is_flagged(verdict):
                odd[place] = verdict
        return ValidatedColumn(texts, odd)

    def _result_of(self, cell: Cell) -> RuleResult:
        if isinstance(cell, bool):
            return self._bool_results[cell]
        verdict = self._rule(cell)
        if isinstance(cell, FormulaWithoutValue) and isinstance(verdict, Valid):
            return Valid(verdict.value, WarningCode.FORMULA_WITHOUT_VALUE)
        return verdict


def column_validators(latest_date: date) -> dict[str, ColumnValidator]:
    """The rule of every field, in the order errors are listed; memos are empty."""
    return {
        "url": ColumnValidator(url, bulk_check.url),
        "inn": ColumnValidator(inn),
        "kpp": ColumnValidator(kpp),
        "name": ColumnValidator(name, bulk_check.name),
        "external_chat_id": ColumnValidator(text, bulk_check.text),
        "participants": ColumnValidator(integer),
        "created_on": ColumnValidator(partial(chat_date, latest=latest_date)),
        "creator_id": ColumnValidator(text, bulk_check.text),
        "phone": ColumnValidator(phone, bulk_check.phone),
        "owner_id": ColumnValidator(text, bulk_check.text),
        "add_user": ColumnValidator(flag),
        "add_admin": ColumnValidator(flag),
        "organization": ColumnValidator(text),
        "foiv": ColumnValidator(text),
        "region": ColumnValidator(text),
        "region_number": ColumnValidator(text),
        "branch": ColumnValidator(short_text),
        "faculty": ColumnValidator(short_text),
        "course": ColumnValidator(integer),
        "group": ColumnValidator(short_text, bulk_check.short_text),
    }
