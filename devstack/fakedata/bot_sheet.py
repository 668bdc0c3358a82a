"""The sheet of the registering bot: rows as they stand there, and what an import of them must report."""

from dataclasses import dataclass

from devstack.fake_sheets.spreadsheets import SheetValue
from devstack.fakedata.chats import ChatGenerator, ExpectedCounts, GeneratedChat, OutcomeCounter

HEADER: list[SheetValue] = ["ИНН", "КПП", "ссылка", "телефон", "название чата"]
EMPTY_ROW_EVERY = 250
"""People leave rows empty; these count for nothing."""


@dataclass(frozen=True, slots=True)
class BotSheet:
    """All rows of the sheet, the header first."""

    rows: list[list[SheetValue]]
    expected: ExpectedCounts


def make_bot_sheet(rows: int, seed: int, invalid_share: float = 0.02) -> BotSheet:
    """So many rows that count, of them the share `wrong` to be rejected; the same seed makes the same."""
    sheet: list[list[SheetValue]] = [list(HEADER)]
    tally = OutcomeCounter()
    maker = ChatGenerator(
        rows, seed, tag=f"b{seed}", tax_office="50", invalid_share=invalid_share, with_kpp=True
    )
    for number, chat, fate in maker.chats():
        if number % EMPTY_ROW_EVERY == EMPTY_ROW_EVERY - 1:
            sheet.append([None] * len(HEADER))
        sheet.append(_cells(number, chat))
        tally.add(len(sheet), fate)
    return BotSheet(sheet, tally.expected())


def _cells(number: int, chat: GeneratedChat) -> list[SheetValue]:
    """Numbers as text or as numbers, phones spelled in several ways: as different people type them."""
    cells: list[SheetValue] = [text or None for text in chat]
    if number % 2:
        cells[0] = _as_number(chat.inn)
    if number % 3 == 1:
        cells[1] = _as_number(chat.kpp)
    if len(chat.phone) == 12:
        cells[3] = _spelled_phone(number, chat.phone[3:])
    return cells


def _as_number(text: str) -> SheetValue:
    return int(text) if text.isdecimal() and text[0] != "0" else text or None


def _spelled_phone(number: int, digits: str) -> SheetValue:
    match number % 4:
        case 0:
            return f"+79{digits}"
        case 1:
            return int(f"79{digits}")
        case 2:
            return f"8 (9{digits[:2]}) {digits[2:5]}-{digits[5:7]}-{digits[7:]}"
        case _:
            return f"89{digits}"
