"""Validates whole columns: a bulk check accepts clean cells, the rule is called for the others and cached."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from types import NoneType
from typing import cast

from consumer.cells.chunks import Cell, ErrorCell, FormulaWithoutValue
from consumer.datasets.chats import bulk_check
from consumer.datasets.chats.bulk_check import BulkCheck
from consumer.datasets.chats.copy_text import NULL, to_copy_text
from consumer.datasets.chats.rules.date import chat_date
from consumer.datasets.chats.rules.flag import flag
from consumer.datasets.chats.rules.inn_kpp import inn, kpp
from consumer.datasets.chats.rules.integer import integer
from consumer.datasets.chats.rules.name import name
from consumer.datasets.chats.rules.phone import phone
from consumer.datasets.chats.rules.result import Invalid, Rule, RuleResult, Valid
from consumer.datasets.chats.rules.text import short_text, text
from consumer.datasets.chats.rules.url import url
from schemas.codes import WarningCode

CACHEABLE_TYPES = frozenset({str, ErrorCell, float, int, NoneType, date})
"""Types whose equal values mean the same. Not bool (True == 1), not datetime (time zones)."""
TEXT_OR_EMPTY_TYPES = frozenset({str, ErrorCell, NoneType})
MAX_CACHED_VALUES = 8_192
"""Values kept from one chunk to the next. A nearly unique column fills its cache, which is then cleared."""


@dataclass(frozen=True, slots=True)
class ValidatedColumn:
    """COPY text of each cell, and by index the results that reject or warn."""

    copy_texts: Sequence[str]
    flagged: Mapping[int, RuleResult]


class RuleCache(dict[Cell, str]):
    """Cell → COPY text; results that reject or warn are in `flagged`.

    Only for cells whose equal values have equal texts: CACHEABLE_TYPES.
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__()
        self._rule = rule
        self.flagged: dict[Cell, RuleResult] = {}

    def __missing__(self, cell: Cell) -> str:
        result = self._rule(cell)
        if is_flagged(result):
            self.flagged[cell] = result
        self[cell] = result_to_copy_text(result)
        return self[cell]

    def copy_texts(self, cells: Sequence[Cell]) -> list[str]:
        """The COPY text of each cell."""
        if len(self) > MAX_CACHED_VALUES:
            self.clear()
            self.flagged.clear()
        return list(map(self.__getitem__, cells))

    def flagged_among(self, cells: Sequence[Cell]) -> dict[int, RuleResult]:
        """The results that reject or warn, by index in `cells`; call `copy_texts` first."""
        if not self.flagged or self.flagged.keys().isdisjoint(cells):
            return {}
        return {index: self.flagged[cell] for index, cell in enumerate(cells) if cell in self.flagged}


def is_flagged(result: RuleResult) -> bool:
    """Whether a result rejects or warns."""
    return isinstance(result, Invalid) or result.warning is not None


def result_to_copy_text(result: RuleResult) -> str:
    """The value as COPY text; null for an invalid one, whose row is not copied."""
    return NULL if isinstance(result, Invalid) else to_copy_text(result.value)


class ColumnValidator:
    """Applies one rule to the cells of one field, chunk after chunk; `bulk` finds cells that need no rule."""

    def __init__(self, rule: Rule, bulk: BulkCheck | None = None) -> None:
        self._rule = rule
        self._bulk_check = bulk
        self._cache = RuleCache(rule)
        self._bool_results = (rule(False), rule(True))

    def validate(self, cells: Sequence[Cell]) -> ValidatedColumn:
        """Check every cell."""
        if self._bulk_check is None:
            return self._apply_rule(cells)
        types = set(map(type, cells))
        if types == {float} and self._bulk_check.accepts_integers:
            numbers = cast("Sequence[float]", cells)
            if bulk_check.are_exact_integers(numbers):
                return ValidatedColumn(list(map(str, map(int, numbers))), {})
        if types <= TEXT_OR_EMPTY_TYPES:
            texts = cast("Sequence[str]", [cell or "" for cell in cells] if types != {str} else cells)
            indexes = self._bulk_check.needs_rule(texts)
            return self._patch(cells, texts, indexes) if indexes else ValidatedColumn(texts, {})
        return self._patch(cells, cells, self._bulk_check.check_each(cells))

    def _patch(self, cells: Sequence[Cell], texts: Sequence[Cell], indexes: Sequence[int]) -> ValidatedColumn:
        """The texts, with the rule's results at some indexes: a few unclean cells must not cost a column."""
        results = self._apply_rule([cells[index] for index in indexes])
        patched = list(texts)
        for index, copy_text in zip(indexes, results.copy_texts, strict=True):
            patched[index] = copy_text
        flagged = {indexes[i]: result for i, result in results.flagged.items()}
        return ValidatedColumn(cast("Sequence[str]", patched), flagged)

    def _apply_rule(self, cells: Sequence[Cell]) -> ValidatedColumn:
        """Through the cache; cells of other types one by one."""
        if set(map(type, cells)) <= CACHEABLE_TYPES:
            return ValidatedColumn(self._cache.copy_texts(cells), self._cache.flagged_among(cells))
        uncacheable = [index for index, cell in enumerate(cells) if cell.__class__ not in CACHEABLE_TYPES]
        cacheable = list(cells)
        for index in uncacheable:
            cacheable[index] = None
        texts, flagged = self._cache.copy_texts(cacheable), self._cache.flagged_among(cacheable)
        for index in uncacheable:
            result = self._result_of(cells[index])
            texts[index] = result_to_copy_text(result)
            flagged.pop(index, None)
            if is_flagged(result):
                flagged[index] = result
        return ValidatedColumn(texts, flagged)

    def _result_of(self, cell: Cell) -> RuleResult:
        if isinstance(cell, bool):
            return self._bool_results[cell]
        result = self._rule(cell)
        if isinstance(cell, FormulaWithoutValue) and isinstance(result, Valid):
            return Valid(result.value, WarningCode.FORMULA_WITHOUT_VALUE)
        return result


def column_validators(latest_date: date) -> dict[str, ColumnValidator]:
    """A validator for every field, with an empty cache, in the order in which errors are listed."""
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
