"""A sheet like that of the registering bot, and what an import of it must report."""

from dataclasses import dataclass

from devstack.fakedata.chats import ChatGenerator, GeneratedChat
from devstack.fakedata.counters import OutcomeCounter
from devstack.fakedata.expected import ExpectedChats
from devstack.fakedata.valid_rows import PHONE_SPELLINGS

SheetValue = str | int | float | bool | None
"""A cell of a Google sheet."""

HEADER: list[SheetValue] = ["ИНН", "КПП", "ссылка", "телефон", "название чата"]
EMPTY_ROW_EVERY = 250
"""After this many rows follows an empty one, as people leave them; an import skips it."""


@dataclass(frozen=True, slots=True)
class BotSheet:
    """All rows of the sheet, including the header."""

    rows: list[list[SheetValue]]
    expected: ExpectedChats


def make_bot_sheet(rows: int, seed: int, invalid_share: float = 0.02) -> BotSheet:
    """A sheet of `rows` rows to import; the share `invalid_share` of them must be rejected."""
    sheet: list[list[SheetValue]] = [list(HEADER)]
    counter = OutcomeCounter()
    generator = ChatGenerator(
        rows, seed, tag=f"b{seed}", tax_office="50", invalid_share=invalid_share, with_kpp=True
    )
    for number, chat, outcome in generator.chats():
        if number % EMPTY_ROW_EVERY == EMPTY_ROW_EVERY - 1:
            sheet.append([None] * len(HEADER))
        sheet.append(_cells(number, chat))
        counter.add(len(sheet), outcome)
    return BotSheet(sheet, counter.expected())


def _cells(number: int, chat: GeneratedChat) -> list[SheetValue]:
    """The cells as different people type them: numbers as text or number, phones in several spellings."""
    cells: list[SheetValue] = [text or None for text in chat]
    if number % 2:
        cells[0] = _as_number(chat.inn)
    if number % 3 == 1:
        cells[1] = _as_number(chat.kpp)
    if len(chat.phone) == 12:
        cells[3] = PHONE_SPELLINGS[number % len(PHONE_SPELLINGS)](chat.phone[3:])
    return cells


def _as_number(text: str) -> SheetValue:
    return int(text) if text.isdecimal() and text[0] != "0" else text or None
