"""What a cell of a chat means, said slowly: a second statement of the rules, to compare the product with."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.support.reference_phones import phone_in

BLANKS = {"Cc", "Cf", "Zs", "Zl", "Zp"}
YES, NO = ("1", "true", "истина", "да"), ("0", "false", "ложь", "нет")
QUOTES = ["''", '""', "«»", "“”", "„“"]


class RejectedValueError(Exception):
    """The value makes its whole row wrong."""


def strip(value: str) -> str:
    while value and unicodedata.category(value[0]) in BLANKS:
        value = value[1:]
    while value and unicodedata.category(value[-1]) in BLANKS:
        value = value[:-1]
    return value


def text(cell: object, warnings: Counter[str], limit: int = 32_767) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, (int, float)):
        if cell != cell or abs(cell) >= 2**53:
            raise RejectedValueError
        return (
            f"{cell:.0f}".replace("-0", "0")
            if cell == 0
            else (f"{cell:.0f}" if cell == int(cell) else repr(cell))
        )
    if isinstance(cell, date):
        warnings["date_in_text"] += 1
        return cell.isoformat().removesuffix("T00:00:00")
    value = str(cell)
    for char in value:
        if char == "\0" or unicodedata.category(char) == "Cs":
            raise RejectedValueError
    if "_x0000_" in value or re.search(r"_x[Dd][89A-Fa-f][0-9A-Fa-f]{2}_", value):
        raise RejectedValueError
    value = strip(unicodedata.normalize("NFC", value))
    if len(value) > limit:
        raise RejectedValueError
    return value


def short_text(cell: object, warnings: Counter[str]) -> str:
    return text(cell, warnings, 500)


def name(cell: object, warnings: Counter[str]) -> str:
    value = text(cell, warnings)
    while len(value) > 1 and value[0] + value[-1] in QUOTES and not set("«»“”„\"'") & set(value[1:-1]):
        value = strip(value[1:-1])
    return value


def has_valid_check_digits(digits: str) -> bool:
    if len(digits) == 10:
        weights = [[2, 4, 10, 3, 5, 9, 4, 6, 8]]
    else:
        weights = [[7, 2, 4, 10, 3, 5, 9, 4, 6, 8], [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8]]
    for row in weights:
        total = 0
        for weight, digit in zip(row, digits, strict=False):
            total += weight * int(digit)
        if total % 11 % 10 != int(digits[len(row)]):
            return False
    return True


def inn(cell: object, warnings: Counter[str]) -> str:
    value = text(cell, Counter())
    value = re.sub(r"\.0+$", "", value)
    if not value or not set(value) <= set("0123456789") or not 9 <= len(value) <= 12:
        raise RejectedValueError
    if len(value) in (9, 11):
        value = "0" + value
        if not has_valid_check_digits(value):
            raise RejectedValueError
        warnings["inn_zero_restored"] += 1
    elif not has_valid_check_digits(value):
        warnings["inn_check_digit"] += 1
    return value


def kpp(cell: object, warnings: Counter[str]) -> str:
    value = text(cell, Counter())
    if len(value) == 8 and set(value) <= set("0123456789"):
        warnings["kpp_zero_restored"] += 1
        return "0" + value
    if value and not re.fullmatch("[0-9]{4}[0-9A-Z]{2}[0-9]{3}", value):
        raise RejectedValueError
    return value


def phone(cell: object, warnings: Counter[str]) -> str:
    try:
        text(cell, Counter())
    except RejectedValueError:
        cell = "?"
    number, warning = phone_in("?" if isinstance(cell, date) else cell)
    if warning:
        warnings[warning] += 1
    return number


def url(cell: object, _: Counter[str]) -> str:
    if not isinstance(cell, str):
        raise RejectedValueError
    text(cell, Counter())
    value = strip(cell)
    if any(unicodedata.category(char) in BLANKS for char in value) or len(value.encode()) > 2048:
        raise RejectedValueError
    if not re.match(r"https?://[^/?#@:]", value):
        raise RejectedValueError
    return value


def flag(cell: object, warnings: Counter[str]) -> bool | None:
    try:
        value = text(cell, Counter()).casefold()
    except RejectedValueError:
        value = "?"
    if not value:
        return None
    if value not in YES + NO:
        warnings["flag"] += 1
    return value in YES


def whole_number(cell: object, _: Counter[str]) -> int | None:
    value = text(cell, Counter())
    if not value:
        return None
    if isinstance(cell, bool) or not re.fullmatch(r"[0-9]+(\.0+)?", value) or float(value) >= 2**31:
        raise RejectedValueError
    return int(float(value))


def parse_day(cell: object, warnings: Counter[str]) -> date | None:
    try:
        if cell is None or text(cell, Counter()) == "":
            return None
        found = parse_date(cell)
        if date(1990, 1, 1) <= found <= datetime.now(UTC).date() + timedelta(days=1):
            return found
    except (RejectedValueError, ValueError):
        pass
    warnings["date"] += 1
    return None


def parse_date(cell: object) -> date:
    if isinstance(cell, date):
        return cell.date() if isinstance(cell, datetime) else cell
    if isinstance(cell, (int, float)) and not isinstance(cell, bool):
        if not 61 <= cell < 2_958_466:
            raise RejectedValueError
        return date(1899, 12, 30) + timedelta(days=int(cell))
    written = strip(str(cell))
    if re.match(r"\d+\.\d+\.", written):
        numbers = [int(part) for part in written.split(" ")[0].split(".")]
        return date(*reversed(numbers))
    return datetime.fromisoformat(written).date()


PARSERS: dict[str, Callable[[object, Counter[str]], Any]] = {
    "url": url,
    "inn": inn,
    "kpp": kpp,
    "name": name,
    "external_chat_id": text,
    "participants": whole_number,
    "created_on": parse_day,
    "creator_id": text,
    "phone": phone,
    "owner_id": text,
    "add_user": flag,
    "add_admin": flag,
    "organization": text,
    "foiv": text,
    "region": text,
    "region_number": text,
    "branch": short_text,
    "faculty": short_text,
    "course": whole_number,
    "group": short_text,
}
