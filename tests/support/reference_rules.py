"""The rules of a value once more, as plain and slow as they read: a value in, its meaning out.

Written from the page and not from the product, of which nothing is imported.
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
    Notes,
    Wrong,
    name_of,
    short_text,
    text_of,
    trimmed,
    visible,
)

YES, NO = {"1", "true", "истина", "да"}, {"0", "false", "ложь", "нет"}


def digits_of(value: object, zeros: str = r"\.0") -> str:
    """The text of a number of identification: numbers and a stray `.0` read as digits."""
    if isinstance(value, (bool, date, time)):
        raise Wrong
    text = text_of(value, Notes())
    return re.sub(f"{zeros}$", "", text)


def agrees(inn: str) -> bool:
    """Whether the check digits of an ИНН of 10 or 12 digits are right."""

    def digit(*weights: int) -> str:
        return str(sum(w * int(d) for w, d in zip(weights, inn, strict=False)) % 11 % 10)

    if len(inn) == 10:
        return inn[9] == digit(2, 4, 10, 3, 5, 9, 4, 6, 8)
    return inn[10:] == digit(7, 2, 4, 10, 3, 5, 9, 4, 6, 8) + digit(3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)


def inn_of(value: object, notes: Notes) -> str:
    """ИНН."""
    inn = digits_of(value, r"\.0+")
    if not re.fullmatch("[0-9]{9,12}", inn):
        raise Wrong
    if len(inn) in {9, 11}:
        if not agrees("0" + inn):
            raise Wrong
        notes.codes.append("inn_zero_restored")
        return "0" + inn
    if not agrees(inn):
        notes.codes.append("inn_check_digit")
    return inn


def kpp_of(value: object, notes: Notes) -> str:
    """КПП, or nothing."""
    kpp = digits_of(value)
    if re.fullmatch("[0-9]{8}", kpp):
        notes.codes.append("kpp_zero_restored")
        return "0" + kpp
    if kpp and not re.fullmatch("[0-9]{4}[0-9A-Z]{2}[0-9]{3}", kpp):
        raise Wrong
    return kpp


def phone_of(value: object, notes: Notes) -> str:
    """E.164, or nothing."""
    number, warning = phone_in("?" if isinstance(value, (date, time)) else value)
    if warning:
        notes.codes.append(warning)
    return number


def url_of(value: object, notes: Notes) -> str:
    """The link, compared as written."""
    text_of(value, notes)  # for what cannot be stored; the link itself stays as written
    url = trimmed(str(value if value is not None else ""))
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise Wrong from None
    if parts.scheme not in {"http", "https"} or not host or len(url.encode()) > 2048:
        raise Wrong
    if any(unicodedata.category(char) in INVISIBLE for char in url):
        raise Wrong
    return url


def count_of(value: object, _: Notes) -> int | None:
    """Course, participants."""
    if not visible(value):
        return None
    number = trimmed(str(value)).removesuffix(".0")
    if isinstance(value, bool) or not re.fullmatch("[0-9]+", number) or int(number) >= 2**31:
        raise Wrong
    return int(number)


def day_of(value: object, notes: Notes) -> date | None:
    """A date; the time of day is let go."""
    if not visible(value):
        return None
    try:
        found = _calendar_day(value)
    except ValueError:
        found = date.min
    if date(1990, 1, 1) <= found <= datetime.now(UTC).date() + timedelta(days=1):
        return found
    notes.codes.append("date")
    return None


def _calendar_day(value: object) -> date:
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 61 <= value < 2_958_466:
        return date(1899, 12, 30) + timedelta(days=int(value))
    text = trimmed(value) if isinstance(value, str) else "no"
    if parts := re.fullmatch(r"(\d\d?)\.(\d\d?)\.(\d{4})( +\d.*)?", text):
        return date(int(parts[3]), int(parts[2]), int(parts[1]))
    return datetime.fromisoformat(text).date()


def flag_of(value: object, notes: Notes) -> bool:
    """One flag, where not both are empty."""
    text = trimmed(str(value)).casefold().removesuffix(".0")
    if text not in YES | NO:
        notes.codes.append("flag")
    return text in YES


RULES: Mapping[str, Callable[[object, Notes], Any]] = {
    "region_number": text_of,
    "region": text_of,
    "foiv": text_of,
    "external_chat_id": text_of,
    "name": name_of,
    "url": url_of,
    "participants": count_of,
    "owner_id": text_of,
    "phone": phone_of,
    "created_on": day_of,
    "creator_id": text_of,
    "organization": text_of,
    "inn": inn_of,
    "kpp": kpp_of,
    "branch": short_text,
    "faculty": short_text,
    "course": count_of,
    "group": short_text,
}
FLAGS = ("add_user", "add_admin")


def read_row(cells: Mapping[str, object]) -> tuple[dict[str, Any], list[str], list[str]]:
    """The meaning of a row, the codes of its warnings, and its wrong fields (sorted)."""
    meaning: dict[str, Any] = {}
    notes, wrong = Notes(), []
    for name, rule in RULES.items():
        try:
            meaning[name] = rule(cells.get(name), notes)
        except Wrong:
            wrong.append(name)
    meaning["knows_flags"] = any(flag in cells for flag in FLAGS)
    empty = not any(visible(cells.get(flag)) for flag in FLAGS)
    for flag in FLAGS:
        meaning[flag] = empty or (flag in cells and flag_of(cells[flag], notes))
    return meaning, notes.codes, sorted(wrong)
