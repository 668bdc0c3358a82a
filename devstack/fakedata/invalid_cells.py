"""Cells for which a row must be rejected, with the fields that an import must name.

This follows the documented rules and uses no code of the service.
"""

from collections.abc import Iterable, Mapping

from devstack.fakedata.xlsx_parts import ExcelErrorValue
from devstack.fakedata.xlsx_writer import CellValue

TOO_LONG = 501
FIRST_INEXACT_INT = 2**53

INVALID_CELLS: tuple[Mapping[str, CellValue], ...] = (
    {"inn": None},
    {"inn": ExcelErrorValue.NOT_AVAILABLE},
    {"inn": "12345678"},
    {"inn": "7707083893123"},
    {"inn": 77070838931234},
    {"inn": "77О7083893"},  # О is Cyrillic
    {"inn": "ИНН 7707083893"},
    {"inn": "７７０７０８３８９３"},  # digits, but not ASCII
    {"inn": "010501401"},  # nine digits with a wrong check digit
    {"inn": 7707083893.5},
    {"inn": -7707083893},
    {"kpp": "7707"},
    {"kpp": "7707010012"},
    {"kpp": "7707АВ001"},  # АВ is Cyrillic
    {"kpp": "нет"},
    {"kpp": 7707010},  # seven digits: no leading zero is restored
    {"url": None},
    {"url": ExcelErrorValue.REFERENCE},
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
    {"url": "https://max.ru/join/" + "ж" * 1024},  # few enough characters, too many bytes
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
    {"faculty": "Ф" * TOO_LONG},
    {"branch": "Б" * TOO_LONG},
    {"group": "Г" * TOO_LONG},
    {"name": "Чат _x0000_ группы"},
    {"name": float(FIRST_INEXACT_INT)},
    {"group": "ИВТ_xD83D_"},
    {"faculty": "Факультет_x0000_"},
    {"organization": "ФГБОУ ВО_xDC00_"},
    {"external_chat_id": FIRST_INEXACT_INT},
    {"external_chat_id": -1.2e19},
    {"owner_id": 9007199254740994},
    {"creator_id": 1e16},
    {"region": "Республика_x0000_"},
    {"inn": None, "url": None},
    {"inn": "123", "kpp": "456", "url": "https://"},
    {"inn": ExcelErrorValue.VALUE, "course": "пятый", "participants": -1},
    {"url": None, "faculty": "Ф" * TOO_LONG, "group": "Г" * TOO_LONG},
)
"""Cells that replace those of a valid row, all at once: it must be rejected for exactly these fields."""


def invalid_cells_for(fields: Iterable[str], *, unstorable: bool = True) -> list[Mapping[str, CellValue]]:
    """The entries for which a sheet of these fields has all columns.

    Without `unstorable`, those with characters that Postgres cannot store are left out: an unchecked load
    would fail on them.
    """
    known = set(fields)
    return [
        cells
        for cells in INVALID_CELLS
        if cells.keys() <= known and (unstorable or not any(map(_is_unstorable, cells.values())))
    ]


def _is_unstorable(cell: CellValue) -> bool:
    return isinstance(cell, str) and "_x" in cell
