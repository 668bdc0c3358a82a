"""Plans and writes the rows of one sheet, and counts what an import of them must report."""

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from operator import itemgetter

from devstack.fakedata.counters import ImportCounter, group_key
from devstack.fakedata.expected import ExpectedRejectedRow
from devstack.fakedata.invalid_cells import invalid_cells_for
from devstack.fakedata.layouts import Layout
from devstack.fakedata.unusual_cells import UnusualCell, unusual_cells_for
from devstack.fakedata.valid_rows import GeneratedRow, UniversityPool, generate_valid_rows, make_row
from devstack.fakedata.xlsx_writer import CellValue, SheetWriter

VALID, INVALID, UNUSUAL, DUPLICATE = range(4)
"""Kinds of rows in a plan."""

MAX_REMEMBERED = 200
"""Number of chats that are kept for later rows to repeat."""


def plan_rows(
    rows: int, seed: int, invalid_share: float, unusual_share: float, duplicate_share: float
) -> bytearray:
    """The kind of each row, in random order and exact shares."""
    plan = bytearray(rows)
    counts = [round(rows * share) for share in (invalid_share, unusual_share, duplicate_share)]
    indexes = random.Random(seed).sample(range(rows), sum(counts))
    for kind, count in zip((INVALID, UNUSUAL, DUPLICATE), counts, strict=True):
        for index in indexes[:count]:
            plan[index] = kind
        del indexes[:count]
    return plan


class RowGenerator:
    """Writes the rows of one sheet; `counter` knows what an import of them must report."""

    def __init__(self, rows: int, seed: int, layout: Layout, *, unstorable: bool) -> None:
        self.counter = ImportCounter()
        self._rows, self._seed, self._layout = rows, seed, layout
        self._pool = UniversityPool(rows, seed)
        self._invalid_cells = cycle(invalid_cells_for(layout.fields, unstorable=unstorable))
        self._unusual_cells = cycle(unusual_cells_for(layout.fields))
        self._earlier_chats: list[_SeenChat] = []
        self._rejected_url: str | None = None

    def write(self, sheet: SheetWriter, plan: bytearray) -> None:
        """Write every row of the plan, and the gaps of the layout between them."""
        pick = _cell_picker(self._layout)
        gap, blank = self._layout.gap_every, _blank_row(self._layout)
        for index, (row, draws) in enumerate(generate_valid_rows(self._rows, self._seed, self._pool)):
            number = self._layout.row_number(index)
            if gap and index and index % gap == 0:
                sheet.write_row(number - 1, blank)
            row = self._make_row(plan[index], row, draws, number)
            sheet.write_row(number, pick(row.cells))

    def _make_row(self, kind: int, row: GeneratedRow, draws: Sequence[int], number: int) -> GeneratedRow:
        if kind == INVALID:
            return self._invalidate(row, next(self._invalid_cells), number)
        if kind == UNUSUAL:
            return self._perturb(row, draws, next(self._unusual_cells))
        if kind == DUPLICATE and self._earlier_chats:
            return self._repeat(row, self._earlier_chats[draws[0] % len(self._earlier_chats)], draws[1])
        return self._valid(row, draws)

    def _valid(self, row: GeneratedRow, draws: Sequence[int]) -> GeneratedRow:
        if self._rejected_url and draws[4] % 64 == 0:
            row.url = row.cells["url"] = self._rejected_url
            self._rejected_url = None
        self.counter.add_inserted(row, None)
        if len(self._earlier_chats) < MAX_REMEMBERED:
            self._earlier_chats.append(_SeenChat(row))
        elif draws[3] % 16 == 0:
            self._earlier_chats[draws[2] % MAX_REMEMBERED] = _SeenChat(row)
        return row

    def _invalidate(self, row: GeneratedRow, cells: Mapping[str, CellValue], number: int) -> GeneratedRow:
        row.cells.update(cells)
        self.counter.rejected.append(ExpectedRejectedRow(number, tuple(sorted(cells))))
        if "url" not in cells:
            self._rejected_url = row.url
        return row

    def _perturb(self, row: GeneratedRow, draws: Sequence[int], unusual: UnusualCell) -> GeneratedRow:
        if unusual.needs_low_region:
            low, groups = self._pool.low_region_units, self._pool.groups_per_unit
            row = make_row(low[draws[0] % len(low)], draws, row.url[-32:], groups)
            row.cells["inn"], row.cells["kpp"] = row.inn, row.kpp
        unusual.apply(row)
        self.counter.add_inserted(row, unusual.warning)
        return row

    def _repeat(self, row: GeneratedRow, chat: "_SeenChat", draw: int) -> GeneratedRow:
        """A row that repeats a link: unchanged, with another phone or group, or of another university."""
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
        self.counter.add_org_units(row)
        self.counter.duplicates += 1
        self.counter.chat_groups += chat.adds_group(row)
        self.counter.administrators += chat.adds_phone(row)
        return row


class _SeenChat:
    """A chat that later rows may repeat, with its groups and phones so far."""

    def __init__(self, row: GeneratedRow) -> None:
        self.row = row
        self._groups = {group_key(row)} if row.group else set()
        self._phones = {row.phone} if row.phone else set()

    def adds_group(self, row: GeneratedRow) -> bool:
        """Add the group of the row; whether it is new to the chat."""
        before = len(self._groups)
        self._groups |= {group_key(row)} if row.group else set()
        return len(self._groups) > before

    def adds_phone(self, row: GeneratedRow) -> bool:
        """Add the phone of the row; whether it is a new administrator of the chat."""
        before = len(self._phones)
        self._phones |= {row.phone} if row.phone else set()
        return len(self._phones) > before


def _cell_picker(layout: Layout) -> Callable[[dict[str, CellValue]], Sequence[CellValue]]:
    """Returns the cells of a row in the order of the columns; a column without a field gets a constant."""
    constant: dict[str, CellValue] = {"": "выгрузка.xlsx"}
    pick = itemgetter(*(name or "" for _, name in layout.columns))
    if None not in [name for _, name in layout.columns]:
        return pick
    return lambda cells: pick(cells | constant)


def _blank_row(layout: Layout) -> list[CellValue]:
    return ["\u00a0", "\u200b"] + [None] * (len(layout.columns) - 2)
