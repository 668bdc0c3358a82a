"""The sheet of the registering bot: rows as they stand there, and what an import of them must report."""

from dataclasses import dataclass

from devstack.chats import Chat, Expected, Maker, Tally
from devstack.sheets.book import Cell

HEADER: list[Cell] = ["ИНН", "КПП", "ссылка", "телефон", "название чата"]
EMPTY_ROW_EVERY = 250
"""People leave rows empty; these count for nothing."""


@dataclass(frozen=True, slots=True)
class BotRows:
    """All rows of the sheet, the header first."""

    rows: list[list[Cell]]
    expected: Expected


def bot_rows(rows: int, seed: int, wrong: float = 0.02) -> BotRows:
    """So many rows that count, of them the share `wrong` to be rejected; the same seed makes the same."""
    sheet: list[list[Cell]] = [list(HEADER)]
    tally = Tally()
    maker = Maker(rows, seed, tag=f"b{seed}", office="50", wrong=wrong, kpp=True)
    for number, chat, fate in maker.chats():
        if number % EMPTY_ROW_EVERY == EMPTY_ROW_EVERY - 1:
            sheet.append([None] * len(HEADER))
        sheet.append(_cells(number, chat))
        tally.add(len(sheet), fate)
    return BotRows(sheet, tally.expected())


def _cells(number: int, chat: Chat) -> list[Cell]:
    """Numbers as text or as numbers, phones spelled in several ways: as different people type them."""
    cells: list[Cell] = [text or None for text in chat]
    if number % 2:
        cells[0] = _as_number(chat.inn)
    if number % 3 == 1:
        cells[1] = _as_number(chat.kpp)
    if len(chat.phone) == 12:
        cells[3] = _spelled(number, chat.phone[3:])
    return cells


def _as_number(text: str) -> Cell:
    return int(text) if text.isdecimal() and text[0] != "0" else text or None


def _spelled(number: int, nine: str) -> Cell:
    match number % 4:
        case 0:
            return f"+79{nine}"
        case 1:
            return int(f"79{nine}")
        case 2:
            return f"8 (9{nine[:2]}) {nine[2:5]}-{nine[5:7]}-{nine[7:]}"
        case _:
            return f"89{nine}"
