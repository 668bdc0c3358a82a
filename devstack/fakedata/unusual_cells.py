"""Cells that an import must repair, drop with a warning, or read as they are; the row is accepted.

Each entry states its effect: its warning, and the meaning of the changed row.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from devstack.fakedata.universities import inn_of_organisation
from devstack.fakedata.valid_rows import GeneratedRow
from devstack.fakedata.xlsx_parts import ExcelErrorValue
from devstack.fakedata.xlsx_writer import CellValue


@dataclass(frozen=True, slots=True)
class UnusualCell:
    """A change to a row that stays valid: the warning it causes, if any, and the fields it changes."""

    warning: str | None
    fields: frozenset[str]
    apply: Callable[[GeneratedRow], None]
    needs_low_region: bool = False
    """Applies only to a university whose ИНН and КПП begin with a zero."""


def unusual_cells_for(fields: Iterable[str]) -> list[UnusualCell]:
    """The entries for which a sheet of these fields has all columns."""
    known = set(fields)
    return [unusual for unusual in UNUSUAL_CELLS if unusual.fields <= known]


def _set_cell(field: str, value: CellValue) -> Callable[[GeneratedRow], None]:
    def apply(row: GeneratedRow) -> None:
        row.cells[field] = value

    return apply


def _set_phone(value: CellValue, meaning: str = "") -> Callable[[GeneratedRow], None]:
    def apply(row: GeneratedRow) -> None:
        row.cells["phone"], row.phone = value, meaning

    return apply


def _set_text(field: str, value: CellValue, meaning: str) -> Callable[[GeneratedRow], None]:
    """`field` is branch, faculty or group: an attribute of the row, which gets the meaning of the cell."""

    def apply(row: GeneratedRow) -> None:
        row.cells[field] = value
        setattr(row, field, meaning)

    return apply


def _set_flags(add_user: CellValue, add_admin: CellValue) -> Callable[[GeneratedRow], None]:
    def apply(row: GeneratedRow) -> None:
        row.cells["add_user"], row.cells["add_admin"] = add_user, add_admin

    return apply


def _inn_zero_as_number(row: GeneratedRow) -> None:
    row.cells["inn"] = int(row.inn)


def _inn_zero_as_text(row: GeneratedRow) -> None:
    row.cells["inn"] = f" {row.inn[1:]}"


def _inn_check_digit(row: GeneratedRow) -> None:
    prefix = "77" + row.url[-7:].translate(CHAR_TO_DIGIT)
    valid = inn_of_organisation(prefix)
    row.inn = prefix + str((int(valid[-1]) + 1) % 10)
    row.cells["inn"] = row.inn


def _kpp_zero_as_number(row: GeneratedRow) -> None:
    row.cells["kpp"] = int(row.kpp)


def _kpp_zero_as_text(row: GeneratedRow) -> None:
    row.cells["kpp"] = row.kpp[1:]


def _no_kpp(row: GeneratedRow) -> None:
    row.cells["kpp"], row.kpp = None, ""


CHAR_TO_DIGIT = {code: str(code % 10) for code in range(33, 127)}
"""Turns characters of a link into digits, for an ИНН of its own."""


def _with_warning(code: str, field: str, *values: CellValue) -> list[UnusualCell]:
    return [UnusualCell(code, frozenset({field}), _set_cell(field, value)) for value in values]


def _unusual(
    warning: str | None, field: str, apply: Callable[[GeneratedRow], None], *, needs_low_region: bool = False
) -> UnusualCell:
    return UnusualCell(warning, frozenset({field}), apply, needs_low_region)


UNUSUAL_CELLS: tuple[UnusualCell, ...] = (
    _unusual("inn_zero_restored", "inn", _inn_zero_as_number, needs_low_region=True),
    _unusual("inn_zero_restored", "inn", _inn_zero_as_text, needs_low_region=True),
    _unusual("inn_check_digit", "inn", _inn_check_digit),
    _unusual("kpp_zero_restored", "kpp", _kpp_zero_as_number, needs_low_region=True),
    _unusual("kpp_zero_restored", "kpp", _kpp_zero_as_text, needs_low_region=True),
    *(
        _unusual("phone", "phone", _set_phone(value))
        for value in ("нет", "12345", "8-912-34", 42, "+7 912 345", "+12")
    ),
    *(_unusual("flag", "add_user", _set_flags(value, 1)) for value in ("может быть", 2, "yes")),
    *(_unusual("flag", "add_admin", _set_flags("да", value)) for value in ("не знаю", -1)),
    *_with_warning("date", "created_on", "вчера", "31.02.2024", "2024-02-31", "12.05.1924", 2024),
    *_with_warning("date_in_text", "name", date(2024, 12, 10)),
    _unusual("date_in_text", "group", _set_text("group", date(2024, 12, 10), "2024-12-10")),
    _unusual("date_in_text", "faculty", _set_text("faculty", date(2025, 1, 2), "2025-01-02")),
    _unusual("date_in_text", "group", _set_text("group", datetime(2024, 12, 10, 6), "2024-12-10T06:00:00")),  # noqa: DTZ001
    _unusual(None, "group", _set_text("group", 101, "101")),
    _unusual(None, "group", _set_text("group", "\u200b\ufeffЖ-\u00a012 \u00a0", "Ж-\u00a012")),
    _unusual(None, "faculty", _set_text("faculty", ExcelErrorValue.NOT_AVAILABLE, "")),
    _unusual(None, "faculty", _set_text("faculty", "Институт И\u0306огурта", "Институт Йогурта")),
    _unusual(None, "branch", _set_text("branch", "Б" * 500, "Б" * 500)),
    _unusual(None, "phone", _set_phone("+375 29 123-45-67", "+375291234567")),
    _unusual(None, "phone", _set_phone("+1 202 555 01 43", "+12025550143")),
    _unusual(None, "kpp", _no_kpp),
    _unusual(None, "participants", _set_cell("participants", "25")),
    _unusual(None, "participants", _set_cell("participants", 2**31 - 1)),
    _unusual(None, "created_on", _set_cell("created_on", ExcelErrorValue.VALUE)),
    _unusual(None, "name", _set_cell("name", "Первая строка\nвторая \\N \\. \t<&>")),
)
"""Every kind of unusual cell."""
