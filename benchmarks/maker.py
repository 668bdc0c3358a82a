"""Writes the rows of one sheet as planned, and keeps the tally of what each must come to."""

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from operator import itemgetter

from benchmarks.expected import Rejected, Tally, group_key
from benchmarks.faults import wrong_for
from benchmarks.layouts import Layout
from benchmarks.oddities import Oddity, odd_for
from benchmarks.rows import Country, Row, make_row, right_rows
from benchmarks.sheet import Cell, Sheet

RIGHT, WRONG, ODD, DUPLICATE = range(4)
"""What a row can be."""

REMEMBERED = 200
"""Rows that later ones may repeat the link of."""


def planned(rows: int, seed: int, wrong: float, odd: float, duplicates: float) -> bytearray:
    """What each row is to be: 0 right, else `WRONG`, `ODD` or `DUPLICATE`; exact shares, mixed."""
    plan = bytearray(rows)
    counts = [round(rows * share) for share in (wrong, odd, duplicates)]
    places = random.Random(seed).sample(range(rows), sum(counts))
    for kind, count in zip((WRONG, ODD, DUPLICATE), counts, strict=True):
        for place in places[:count]:
            plan[place] = kind
        del places[:count]
    return plan


class Maker:
    """Writes the rows of one sheet and keeps the tally."""

    def __init__(self, rows: int, seed: int, shape: Layout, *, unstorable: bool) -> None:
        self.tally = Tally()
        self._rows, self._seed, self._shape = rows, seed, shape
        self._country = Country(rows, seed)
        self._wrong = cycle(wrong_for(shape.fields, unstorable=unstorable))
        self._odd = cycle(odd_for(shape.fields))
        self._earlier: list[_Chat] = []
        self._rejected_url: str | None = None

    def write(self, sheet: Sheet, plan: bytearray) -> None:
        """Write every row of the plan, and the gaps of the layout between them."""
        pick = _picker(self._shape)
        gap, blank = self._shape.gap_every, _blank_row(self._shape)
        for index, (row, draw) in enumerate(right_rows(self._rows, self._seed, self._country)):
            number = self._shape.row_number(index)
            if gap and index and index % gap == 0:
                sheet.row(number - 1, blank)
            made = self._made(plan[index], row, draw, number)
            sheet.row(number, pick(made.cells))

    def _made(self, kind: int, row: Row, draw: Sequence[int], number: int) -> Row:
        if kind == WRONG:
            return self._spoil(row, next(self._wrong), number)
        if kind == ODD:
            return self._bend(row, draw, next(self._odd))
        if kind == DUPLICATE and self._earlier:
            return self._repeat(row, self._earlier[draw[0] % len(self._earlier)], draw[1])
        return self._right(row, draw)

    def _right(self, row: Row, draw: Sequence[int]) -> Row:
        if self._rejected_url and draw[4] % 64 == 0:
            row.url = row.cells["url"] = self._rejected_url
            self._rejected_url = None
        self.tally.insert(row, None)
        if len(self._earlier) < REMEMBERED:
            self._earlier.append(_Chat(row))
        elif draw[3] % 16 == 0:
            self._earlier[draw[2] % REMEMBERED] = _Chat(row)
        return row

    def _spoil(self, row: Row, fault: Mapping[str, Cell], number: int) -> Row:
        row.cells.update(fault)
        self.tally.rejected.append(Rejected(number, tuple(sorted(fault))))
        if "url" not in fault:
            self._rejected_url = row.url
        return row

    def _bend(self, row: Row, draw: Sequence[int], oddity: Oddity) -> Row:
        if oddity.low_region:
            low, groups = self._country.low, self._country.groups_of_node
            row = make_row(low[draw[0] % len(low)], draw, row.url[-32:], groups)
            row.cells["inn"], row.cells["kpp"] = row.inn, row.kpp
        oddity.plant(row)
        self.tally.insert(row, oddity.warning)
        return row

    def _repeat(self, row: Row, chat: "_Chat", draw: int) -> Row:
        """A row that repeats a link: all of it, with another phone or group, or of another university."""
        if draw % 4 == 0:
            row = chat.row.copy()
        elif draw % 4 == 1:
            row, other = chat.row.copy(), row
            row.phone, row.cells["phone"] = other.phone, other.cells["phone"]
        elif draw % 4 == 2:
            row, other = chat.row.copy(), row
            row.group, row.cells["group"] = other.group, other.cells["group"]
        else:
            row.url = row.cells["url"] = chat.row.url
        self.tally.place(row)
        self.tally.duplicates += 1
        self.tally.links += chat.new_group(row)
        self.tally.administrators += chat.new_phone(row)
        return row


class _Chat:
    """A chat that later rows may repeat, with the groups and phones it has by now."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self._groups = {group_key(row)} if row.group else set()
        self._phones = {row.phone} if row.phone else set()

    def new_group(self, row: Row) -> bool:
        """Whether the row brings a group that the chat does not have yet."""
        before = len(self._groups)
        self._groups |= {group_key(row)} if row.group else set()
        return len(self._groups) > before

    def new_phone(self, row: Row) -> bool:
        """Whether the row brings an administrator that the chat does not have yet."""
        before = len(self._phones)
        self._phones |= {row.phone} if row.phone else set()
        return len(self._phones) > before


def _picker(shape: Layout) -> Callable[[dict[str, Cell]], Sequence[Cell]]:
    """Cells in the order of the columns; a column nobody asked for says what people write there."""
    filled: dict[str, Cell] = {"": "выгрузка.xlsx"}
    pick = itemgetter(*(name or "" for _, name in shape.columns))
    if None not in [name for _, name in shape.columns]:
        return pick
    return lambda cells: pick(cells | filled)


def _blank_row(shape: Layout) -> list[Cell]:
    return ["\u00a0", "\u200b"] + [None] * (len(shape.columns) - 2)
