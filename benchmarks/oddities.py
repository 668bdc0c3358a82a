"""What people write that an import must repair, drop with a warning, or simply read; the row stays.

Each oddity states its own effect: its warning, and what the row means with it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from benchmarks.directory import inn_of_organisation
from benchmarks.parts import CellError
from benchmarks.rows import Row
from benchmarks.sheet import Cell


@dataclass(frozen=True, slots=True)
class Oddity:
    """Something unusual in a row that stays: the fields it touches, and the warning it earns, if any."""

    warning: str | None
    fields: frozenset[str]
    plant: Callable[[Row], None]
    low_region: bool = False
    """It needs a university whose ИНН and КПП begin with a zero."""


def odd_for(fields: Iterable[str]) -> list[Oddity]:
    """The oddities that can stand in a sheet of these fields."""
    known = set(fields)
    return [oddity for oddity in ODDITIES if oddity.fields <= known]


def _cell(field: str, value: Cell) -> Callable[[Row], None]:
    def plant(row: Row) -> None:
        row.cells[field] = value

    return plant


def _phone(value: Cell, meaning: str = "") -> Callable[[Row], None]:
    def plant(row: Row) -> None:
        row.cells["phone"], row.phone = value, meaning

    return plant


def _text(field: str, value: Cell, meaning: str) -> Callable[[Row], None]:
    """`field` is the name of a key that the row makes: branch, faculty or group."""

    def plant(row: Row) -> None:
        row.cells[field] = value
        setattr(row, field, meaning)

    return plant


def _flags(add_user: Cell, add_admin: Cell) -> Callable[[Row], None]:
    def plant(row: Row) -> None:
        row.cells["add_user"], row.cells["add_admin"] = add_user, add_admin

    return plant


def _inn_zero_as_number(row: Row) -> None:
    row.cells["inn"] = int(row.inn)


def _inn_zero_as_text(row: Row) -> None:
    row.cells["inn"] = f" {row.inn[1:]}"


def _inn_check_digit(row: Row) -> None:
    begin = "77" + row.url[-7:].translate(DIGITS)
    right = inn_of_organisation(begin)
    row.inn = begin + str((int(right[-1]) + 1) % 10)
    row.cells["inn"] = row.inn


def _kpp_zero_as_number(row: Row) -> None:
    row.cells["kpp"] = int(row.kpp)


def _kpp_zero_as_text(row: Row) -> None:
    row.cells["kpp"] = row.kpp[1:]


def _no_kpp(row: Row) -> None:
    row.cells["kpp"], row.kpp = None, ""


DIGITS = {code: str(code % 10) for code in range(33, 127)}
"""Makes digits of the letters of a link: an ИНН that nobody else has."""


def _warn(code: str, field: str, *values: Cell) -> list[Oddity]:
    return [Oddity(code, frozenset({field}), _cell(field, value)) for value in values]


def _odd(warning: str | None, field: str, plant: Callable[[Row], None], *, low: bool = False) -> Oddity:
    return Oddity(warning, frozenset({field}), plant, low)


ODDITIES: tuple[Oddity, ...] = (
    _odd("inn_zero_restored", "inn", _inn_zero_as_number, low=True),
    _odd("inn_zero_restored", "inn", _inn_zero_as_text, low=True),
    _odd("inn_check_digit", "inn", _inn_check_digit),
    _odd("kpp_zero_restored", "kpp", _kpp_zero_as_number, low=True),
    _odd("kpp_zero_restored", "kpp", _kpp_zero_as_text, low=True),
    *(
        _odd("phone", "phone", _phone(value))
        for value in ("нет", "12345", "8-912-34", 42, "+7 912 345", "+12")
    ),
    *(_odd("flag", "add_user", _flags(value, 1)) for value in ("может быть", 2, "yes")),
    *(_odd("flag", "add_admin", _flags("да", value)) for value in ("не знаю", -1)),
    *_warn("date", "created_on", "вчера", "31.02.2024", "2024-02-31", "12.05.1924", 2024),
    *_warn("date_in_text", "name", date(2024, 12, 10)),
    _odd("date_in_text", "group", _text("group", date(2024, 12, 10), "2024-12-10")),
    _odd("date_in_text", "faculty", _text("faculty", date(2025, 1, 2), "2025-01-02")),
    _odd("date_in_text", "group", _text("group", datetime(2024, 12, 10, 6), "2024-12-10T06:00:00")),  # noqa: DTZ001
    _odd(None, "group", _text("group", 101, "101")),
    _odd(None, "group", _text("group", "\u200b\ufeffЖ-\u00a012 \u00a0", "Ж-\u00a012")),
    _odd(None, "faculty", _text("faculty", CellError.NOT_AVAILABLE, "")),
    _odd(None, "faculty", _text("faculty", "Институт И\u0306огурта", "Институт Йогурта")),
    _odd(None, "branch", _text("branch", "Б" * 500, "Б" * 500)),
    _odd(None, "phone", _phone("+375 29 123-45-67", "+375291234567")),
    _odd(None, "phone", _phone("+1 202 555 01 43", "+12025550143")),
    _odd(None, "kpp", _no_kpp),
    _odd(None, "participants", _cell("participants", "25")),
    _odd(None, "participants", _cell("participants", 2**31 - 1)),
    _odd(None, "created_on", _cell("created_on", CellError.VALUE)),
    _odd(None, "name", _cell("name", "Первая строка\nвторая \\N \\. \t<&>")),
)
"""What the import must repair, drop, or simply read; the row stays."""
