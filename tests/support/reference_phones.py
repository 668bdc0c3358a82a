"""What phone a cell holds, said slowly: pieces of digits, letters and signs, looked at one after another.

Written from the page and from lists of phones, not from the product, of which nothing is imported.
"""

import unicodedata
from itertools import groupby

import phonenumbers

NO_PHONE = ("", "phone")
EXTENSION_WORDS = {
    "доб", "добав", "добавочный", "вн", "внутр", "внутренний", "ext", "extension", "x", "х", "#",
}  # fmt: skip
OTHER_THINGS = {
    "инн", "кпп", "огрн", "огрнип", "снилс", "ид", "id", "inn", "паспорт", "паспорта", "полис", "бик", "счет",
    "счёт", "идентификатор", "идентификатора", "ids", "identifier", "паспорту", "паспортом", "паспорте",
    "паспортные", "паспортных", "полиса", "полису", "полисом", "полисе", "счета", "счету",
    "счете", "счёта", "счёту", "счёте", "счетом", "счётом",
}  # fmt: skip
ACCOUNTS = (["л", "/", "с"], ["р", "/", "с"], ["к", "/", "с"])
JOINING = set("()-./ ")
HARMLESS = JOINING | set(",:;'\"«»“”„[]{}<>=|!№+☎✆📞📱\ufe0f")


def phone_in(value: object) -> tuple[str, str | None]:
    """The phone in E.164 form, or "", and the code of the warning."""
    if isinstance(value, bool):
        return NO_PHONE
    if isinstance(value, (int, float)):
        sound = (
            value == value
            and 0 < value < 1e12
            and value == int(value)
            and not str(int(value)).endswith("0" * 5)
        )
        return _judged(str(int(value)), "", None) if sound else NO_PHONE
    text = "".join(map(_plain, unicodedata.normalize("NFC", "" if value is None else str(value)))).strip()
    if not text:
        return "", None
    whole, dot, part = text.partition(".")
    if dot and whole.removeprefix("+").isdigit() and len(whole) >= 9 and part in {"0", "00"}:
        text = whole
    elif (
        dot
        and whole.removeprefix("+").isdigit()
        and len(whole.removeprefix("+")) >= 9
        and part.isdigit()
        and len(part) < 3
    ):
        return NO_PHONE
    if len(text) > 200 or any(char.isnumeric() and char not in "0123456789" for char in text):
        return NO_PHONE
    return _among(_pieces(text))


def _plain(char: str) -> str:
    if unicodedata.category(char) == "Pd" or char == "\u2212":
        return "-"
    return " " if unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp"} else char


def _pieces(text: str) -> list[str]:
    """Digits together, letters together, each sign for itself."""
    found: list[str] = []
    for kind, group in groupby(text, lambda c: "d" if c.isdigit() else "w" if c.isalpha() else "s"):
        chars = list(group)
        found += chars if kind == "s" else ["".join(chars)]
    return found


def _among(pieces: list[str]) -> tuple[str, str | None]:
    numbers = [place for place, piece in enumerate(pieces) if piece.isdigit()]
    warning = None
    if (cut := _extension(pieces, numbers)) is not None:
        pieces, warning = pieces[:cut], "phone_extension"
        numbers = [place for place in numbers if place < cut]
    if not numbers:
        return NO_PHONE
    before, number, after = (
        pieces[: numbers[0]],
        pieces[numbers[0] : numbers[-1] + 1],
        pieces[numbers[-1] + 1 :],
    )
    if not all(piece.isdigit() or piece in JOINING for piece in number):
        return NO_PHONE
    if any(not _harmless(piece) for piece in (*before[-1:], *after[:1])) or _two_or_a_date("".join(number)):
        return NO_PHONE
    said = [piece.casefold() for piece in before]
    said += next(([piece.casefold()] for piece in after if piece not in JOINING | set(',:;[«"')), [])
    if not OTHER_THINGS.isdisjoint(said) or any(said[at : at + 3] in ACCOUNTS for at in range(len(said))):
        return NO_PHONE
    plus = "".join(before).rstrip("()-./ ")[-1:]
    return _judged("".join(piece for piece in number if piece.isdigit()), plus, warning)


def _harmless(piece: str) -> bool:
    return len(piece) > 1 if piece.isalpha() else piece in HARMLESS


def _extension(pieces: list[str], numbers: list[int]) -> int | None:
    """Where the extension begins: one number of at most seven digits, and before it a word that says so."""
    if len(numbers) < 2 or len(pieces[numbers[-1]]) > 7:
        return None
    place = numbers[-1] - 1
    passed = 0
    while pieces[place] in set(" :=№(.") or pieces[place].casefold() in {"номер", "ном"}:
        passed += 1
        place -= 1
    word = pieces[place].casefold()
    if word not in EXTENSION_WORDS or place <= numbers[0]:
        return None
    if word in {"x", "х"} and pieces[place - 1].isdigit() and (passed or len(pieces[numbers[-1]]) < 2):
        return None  # `6x7` hides a digit
    return place


def _two_or_a_date(number: str) -> bool:
    head = number.replace("(", " ").replace("/", " ").split(" ")[0]
    behind = number[len(head) :]
    groups = [len(group) for group in head.split("-")]
    if len(groups) == 3 and groups[0] <= 3 and groups[1:] == [2, 2] and behind and "-" not in behind:
        return True
    if len(groups) == 3 and groups[0] <= 3 and groups[1:] == [2, 2] and number.count("-") == 4:
        return True
    if number.rfind("(") > number.rfind(")") and any(map(str.isdigit, number[: number.rfind("(")])):
        return True  # the last digits stand in brackets
    sides = [sum(map(str.isdigit, side)) for side in number.split("/")]
    return (len(sides) == 2 and (sides[1] < 3 or sides == [5, 5])) or _date(number)


def _date(number: str) -> bool:
    for mark in "-./":
        parts = number.split(" ")[0].split(mark)
        if len(parts) != 3 or not all(map(str.isdigit, parts)):
            continue
        if len(parts[0]) == 4:
            parts.reverse()
        day, month, year = parts
        if len(day) < 3 and len(month) < 3 and 0 < int(day) < 32 and 0 < int(month) < 13:
            return len(year) == 2 or (len(year) == 4 and year[:2] in {"19", "20"})
    return False


def _judged(digits: str, plus: str, warning: str | None) -> tuple[str, str | None]:
    if plus != "+":
        if len(digits) == 11 and digits[0] in "78":
            return "+7" + digits[1:], warning
        return ("+7" + digits, warning) if len(digits) == 10 else NO_PHONE
    if digits[0] == "7" or (digits[:2] == "89" and len(digits) == 11):
        return ("+7" + digits[1:], warning) if len(digits) == 11 else NO_PHONE
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return NO_PHONE
    same = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == "+" + digits
    return ("+" + digits, warning) if same and phonenumbers.is_valid_number(number) else NO_PHONE
