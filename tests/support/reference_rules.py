"""Reference implementation of the rules of values: simple, slow, and independent.

Written from docs/chats.md; imports nothing of the service.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from tests.support.reference_phones import phone_in
from tests.support.reference_text import (
    INVISIBLE,
    InvalidValueError,
    RowWarnings,
    is_nonblank,
    name_of,
    short_text,
    text_of,
    trimmed,
)

YES, NO = {"1", "true", "истина", "да"}, {"0", "false", "ложь", "нет"}


def digits_of(value: object, zeros: str = r"\.0") -> str:
    """The text of an ИНН or КПП, without `.0` at its end."""
    if isinstance(value, (bool, date, time)):
        raise InvalidValueError
    text = text_of(value, RowWarnings())
    return re.sub(f"{zeros}$", "", text)


def has_valid_check_digits(inn: str) -> bool:
    """Whether the check digits of an ИНН of 10 or 12 digits match the others."""

    def digit(*weights: int) -> str:
        return str(sum(w * int(d) for w, d in zip(weights, inn, strict=False)) % 11 % 10)

    if len(inn) == 10:
        return inn[9] == digit(2, 4, 10, 3, 5, 9, 4, 6, 8)
    return inn[10:] == digit(7, 2, 4, 10, 3, 5, 9, 4, 6, 8) + digit(3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def inn_of(value: object, warnings: RowWarnings) -> str:
    """ИНН."""
    inn = digits_of(value, r"\.0+")
    if not re.fullmatch("[0-9]{9,12}", inn):
        raise InvalidValueError
    if len(inn) in {9, 11}:
        if not has_valid_check_digits("0" + inn):
            raise InvalidValueError
        warnings.codes.append("inn_zero_restored")
        return "0" + inn
    if not has_valid_check_digits(inn):
        warnings.codes.append("inn_check_digit")
    return inn


def kpp_of(value: object, warnings: RowWarnings) -> str:
    """КПП, or `''`."""
    kpp = digits_of(value)
    if re.fullmatch("[0-9]{8}", kpp):
        warnings.codes.append("kpp_zero_restored")
        return "0" + kpp
    if kpp and not re.fullmatch("[0-9]{4}[0-9A-Z]{2}[0-9]{3}", kpp):
        raise InvalidValueError
    return kpp


def phone_of(value: object, warnings: RowWarnings) -> str:
    """The phone as E.164, or `''`."""
    number, warning = phone_in("?" if isinstance(value, (date, time)) else value)
    if warning:
        warnings.codes.append(warning)
    return number


def url_of(value: object, warnings: RowWarnings) -> str:
    """The link as written."""
    text_of(value, warnings)  # rejects what cannot be stored
    url = trimmed(str(value if value is not None else ""))
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise InvalidValueError from None
    if parts.scheme not in {"http", "https"} or not host or len(url.encode()) > 2048:
        raise InvalidValueError
    if any(unicodedata.category(char) in INVISIBLE for char in url):
        raise InvalidValueError
    return url


def whole_number_of(value: object, _: RowWarnings) -> int | None:
    """Course or number of participants."""
    if not is_nonblank(value):
        return None
    number = trimmed(str(value)).removesuffix(".0")
    if isinstance(value, bool) or not re.fullmatch("[0-9]+", number) or int(number) >= 2**31:
        raise InvalidValueError
    return int(number)


def day_of(value: object, warnings: RowWarnings) -> date | None:
    """A date without time of day."""
    if not is_nonblank(value):
        return None
    try:
        day = _parse_date(value)
    except ValueError:
        day = date.min
    if date(1990, 1, 1) <= day <= datetime.now(UTC).date() + timedelta(days=1):
        return day
    warnings.codes.append("date")
    return None


def _parse_date(value: object) -> date:
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 61 <= value < 2_958_466:
        return date(1899, 12, 30) + timedelta(days=int(value))
    text = trimmed(value) if isinstance(value, str) else "no"
    if parts := re.fullmatch(r"(\d\d?)\.(\d\d?)\.(\d{4})( +\d.*)?", text):
        return date(int(parts[3]), int(parts[2]), int(parts[1]))
    return datetime.fromisoformat(text).date()


def flag_of(value: object, warnings: RowWarnings) -> bool:
    """One flag, unless both are empty."""
    text = trimmed(str(value)).casefold().removesuffix(".0")
    if text not in YES | NO:
        warnings.codes.append("flag")
    return text in YES


RULES: Mapping[str, Callable[[object, RowWarnings], Any]] = {
    "region_number": text_of,
    "region": text_of,
    "foiv": text_of,
    "external_chat_id": text_of,
    "name": name_of,
    "url": url_of,
    "participants": whole_number_of,
    "owner_id": text_of,
    "phone": phone_of,
    "created_on": day_of,
    "creator_id": text_of,
    "organization": text_of,
    "inn": inn_of,
    "kpp": kpp_of,
    "branch": short_text,
    "faculty": short_text,
    "course": whole_number_of,
    "group": short_text,
}
FLAG_FIELDS = ("add_user", "add_admin")


def read_row(cells: Mapping[str, object]) -> tuple[dict[str, Any], list[str], list[str]]:
    """Values by field, codes of warnings, and invalid fields, sorted."""
    values: dict[str, Any] = {}
    warnings, invalid_fields = RowWarnings(), []
    for name, rule in RULES.items():
        try:
            values[name] = rule(cells.get(name), warnings)
        except InvalidValueError:
            invalid_fields.append(name)
    values["knows_flags"] = any(flag in cells for flag in FLAG_FIELDS)
    empty = not any(is_nonblank(cells.get(flag)) for flag in FLAG_FIELDS)
    for flag in FLAG_FIELDS:
        values[flag] = empty or (flag in cells and flag_of(cells[flag], warnings))
    return values, warnings.codes, sorted(invalid_fields)
