"""Faults that spoil a row. Each states its own effect: the fields an import must name.

Nothing here asks the rules of the product: what a fault does follows from the rules as written.
"""

from collections.abc import Iterable, Mapping

from benchmarks.parts import CellError
from benchmarks.sheet import Cell

LONG = 501
LOST_DIGITS = 2**53

WRONG: tuple[Mapping[str, Cell], ...] = (
    {"inn": None},
    {"inn": CellError.NOT_AVAILABLE},
    {"inn": "12345678"},
    {"inn": "7707083893123"},
    {"inn": 77070838931234},
    {"inn": "77О7083893"},  # a letter О
    {"inn": "ИНН 7707083893"},
    {"inn": "７７０７０８３８９３"},  # digits, but not ASCII
    {"inn": "010501401"},  # nine digits whose check digit does not agree
    {"inn": 7707083893.5},
    {"inn": -7707083893},
    {"kpp": "7707"},
    {"kpp": "7707010012"},
    {"kpp": "7707АВ001"},  # Cyrillic letters
    {"kpp": "нет"},
    {"kpp": 7707010},  # seven digits: no zero brings it back
    {"url": None},
    {"url": CellError.REFERENCE},
    {"url": "нет ссылки"},
    {"url": "max.ru/join/abc"},
    {"url": "ftp://max.ru/join/abc"},
    {"url": "https://"},
    {"url": "https:///join/abc"},
    {"url": "https://?chat=1"},
    {"url": "https://max.ru/join/abc def"},
    {"url": "https://max.ru/join/abc\u00a0def"},
    {"url": "https://max.ru/join/abc\u200bdef"},
    {"url": "https://max.ru/join/" + "a" * 2048},
    {"url": "https://max.ru/join/" + "ж" * 1024},  # characters in plenty, bytes too many
    {"url": "https://max.ru/join/_x0000_"},
    {"course": -1},
    {"course": "первый"},
    {"course": 2.5},
    {"course": 2**31},
    {"course": "3 курс"},
    {"participants": -5},
    {"participants": "много"},
    {"participants": 2**31},
    {"participants": 10.25},
    {"faculty": "Ф" * LONG},
    {"branch": "Б" * LONG},
    {"group": "Г" * LONG},
    {"name": "Чат _x0000_ группы"},
    {"name": float(LOST_DIGITS)},
    {"group": "ИВТ_xD83D_"},
    {"faculty": "Факультет_x0000_"},
    {"organization": "ФГБОУ ВО_xDC00_"},
    {"external_chat_id": LOST_DIGITS},
    {"external_chat_id": -1.2e19},
    {"owner_id": 9007199254740994},
    {"creator_id": 1e16},
    {"region": "Республика_x0000_"},
    {"inn": None, "url": None},
    {"inn": "123", "kpp": "456", "url": "https://"},
    {"inn": CellError.VALUE, "course": "пятый", "participants": -1},
    {"url": None, "faculty": "Ф" * LONG, "group": "Г" * LONG},
)
"""Cells that spoil a row, all at once; the import must reject it for exactly these fields."""


def wrong_for(fields: Iterable[str], *, unstorable: bool = True) -> list[Mapping[str, Cell]]:
    """The faults that can stand in a sheet of these fields.

    Without the unstorable ones no text holds what Postgres cannot store, so that an unchecked load works too.
    """
    known = set(fields)
    fitting = [fault for fault in WRONG if fault.keys() <= known]
    return [fault for fault in fitting if unstorable or not any(_unstorable(cell) for cell in fault.values())]


def _unstorable(cell: Cell) -> bool:
    return isinstance(cell, str) and "_x" in cell
