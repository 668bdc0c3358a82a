"""Reference implementation of the rule of phones: splits a cell into digits, words and signs.

Written from docs/chats.md and lists of phones; imports nothing of the service.
"""

import re
import unicodedata
from itertools import groupby

import phonenumbers

NO_PHONE = ("", "phone")
EXTENSION_WORDS = {
    "доп", "дополнительный", "дб", "д",
    "доб", "добав", "добавочный", "вн", "внутр", "внутренний", "ext", "extension", "x", "х", "#",
}  # fmt: skip
OTHER_NUMBER_WORDS = {
    "инн", "кпп", "огрн", "огрнип", "снилс", "ид", "id", "inn", "паспорт", "паспорта", "полис", "бик", "счет",
    "счёт", "идентификатор", "идентификатора", "ids", "identifier", "паспорту", "паспортом", "паспорте",
    "паспортные", "паспортных", "полиса", "полису", "полисом", "полисе", "счета", "счету",
    "счете", "счёта", "счёту", "счёте", "счетом", "счётом",
}  # fmt: skip
ACCOUNT_MARKS = (["л", "/", "с"], ["р", "/", "с"], ["к", "/", "с"])
SEPARATORS = set("()-./ ")
HARMLESS_SIGNS = SEPARATORS | set(",:;'\"«»“”„[]{}<>=|!№+☎✆📞📱\ufe0f`’‘‛ʼ")
LINE_BREAKS = set("\n\r\v\f\x85\u2028\u2029")
FILLERS = set(" :=№#(")
NOUNS = {"номер", "ном", "тел", "телефон"}


def phone_in(value: object) -> tuple[str, str | None]:
    """The phone in E.164 form, or "", and the code of the warning."""
    if isinstance(value, bool):
        return NO_PHONE
    if isinstance(value, (int, float)):
        sound = (
            value == value
            and 0 < value < 1e12
            and value == int(value)
            and not str(int(value)).endswith("0" * 6)
        )
        return _classify(str(int(value)), "", None) if sound else NO_PHONE
    text = "".join(
        map(_ascii_form, unicodedata.normalize("NFC", "" if value is None else str(value)))
    ).strip()
    if not text:
        return "", None
    number_part, dot, part = text.partition(".")
    if dot and number_part.removeprefix("+").isdigit() and len(number_part) >= 9 and part in {"0", "00"}:
        text = number_part
    elif (
        dot
        and number_part.removeprefix("+").isdigit()
        and len(number_part.removeprefix("+")) >= 9
        and part.isdigit()
        and len(part) < 3
    ):
        return NO_PHONE
    if len(text) > 200 or any(char.isnumeric() and char not in "0123456789" for char in text):
        return NO_PHONE
    return _phone_from_pieces(_pieces(text))


def _ascii_form(char: str) -> str:
    if unicodedata.category(char) == "Pd" or char == "\u2212":
        return "-"
    if char in LINE_BREAKS:
        return "\n"
    return " " if unicodedata.category(char) in {"Cc", "Cf", "Zs", "Zl", "Zp"} else char


def _pieces(text: str) -> list[str]:
    """Runs of digits, runs of letters, and single signs."""
    pieces: list[str] = []
    for kind, group in groupby(text, lambda c: "d" if c.isdigit() else "w" if c.isalpha() else "s"):
        chars = list(group)
        pieces += chars if kind == "s" else ["".join(chars)]
    return pieces


def _phone_from_pieces(pieces: list[str]) -> tuple[str, str | None]:
    breaks = [index for index, piece in enumerate(pieces) if piece == "\n"]
    pieces = [" " if piece == "\n" else piece for piece in pieces]
    numbers = [index for index, piece in enumerate(pieces) if piece.isdigit()]
    warning = None
    if (cut := _extension(pieces, numbers)) is not None:
        pieces, warning = pieces[:cut], "phone_extension"
        numbers = [index for index in numbers if index < cut]
    if not numbers:
        return NO_PHONE
    before, number, after = (
        pieces[: numbers[0]],
        pieces[numbers[0] : numbers[-1] + 1],
        pieces[numbers[-1] + 1 :],
    )
    if not all(piece.isdigit() or piece in SEPARATORS for piece in number):
        return NO_PHONE
    if any(not _is_harmless(piece) for piece in (*before[-1:], *after[:1])) or _is_two_numbers_or_date(
        "".join(number)
    ):
        return NO_PHONE
    context = [piece.casefold() for piece in before]
    context += next(([piece.casefold()] for piece in after if piece not in SEPARATORS | set(',:;[«"')), [])
    if not OTHER_NUMBER_WORDS.isdisjoint(context) or any(
        context[i : i + 3] in ACCOUNT_MARKS for i in range(len(context))
    ):
        return NO_PHONE
    plus = "".join(before).rstrip("()-./ ")[-1:]
    broken = any(numbers[0] < index < numbers[-1] for index in breaks)
    if (plus != "+" and _is_two_local_numbers(number, broken)) or not _is_phone_link("".join(before)):
        return NO_PHONE
    return _classify("".join(piece for piece in number if piece.isdigit()), plus, warning)


def _is_harmless(piece: str) -> bool:
    return piece in HARMLESS_SIGNS or (piece.isalpha() and len(piece) > 1)


def _extension(pieces: list[str], numbers: list[int]) -> int | None:
    """Index of the first extension, if at most seven digits and no other phone follow."""
    for index in range(numbers[0] + 1 if numbers else 0, len(pieces)):
        behind = _digits_after_mark(pieces, index)
        if behind is not None:
            rest = "".join(pieces[behind:]).casefold()
            few = sum(map(str.isdigit, rest)) <= 7
            others = ("тел", "моб", "сот", "факс", "tel", "mob", "fax")
            plus = any(f"+{gap}{digit}" in rest for gap in ("", " ") for digit in "0123456789")
            return index if few and not plus and not any(word in rest for word in others) else None
    return None


def _digits_after_mark(pieces: list[str], index: int) -> int | None:
    """Index of the digits after a word or sign of an extension at this index; else None."""

    def at(offset: int) -> str:
        return pieces[index + offset] if index + offset < len(pieces) else ""

    touches = at(-1).isdigit()
    if at(0) == ";" or (at(0) == "," and at(1) == ","):
        offset = 1 + (at(0) == ",")
        return index + offset if touches and at(offset).isdigit() else None
    if at(0) == "*":
        offset = 2 if at(1) == " " else 1
        after_number = touches or (at(-1) == " " and index > 1 and at(-2).isdigit())
        return index + offset if after_number and at(offset).isdigit() and len(at(offset)) > 1 else None
    word = at(0).casefold()
    if word in {"x", "х"}:
        if at(1).isdigit() and len(at(1)) > 1:
            return index + 1
        if touches or at(-1) == "_":
            return None  # `6x7` hides a digit
    if word not in EXTENSION_WORDS:
        return None
    digits = _digits_after_fillers(pieces, index + 1)
    if digits is not None and word == "д":
        between = "".join(pieces[index + 1 : digits])
        return digits if between in {"", ".", " ", ". "} and len(pieces[digits]) > 2 else None
    return digits


def _digits_after_fillers(pieces: list[str], index: int) -> int | None:
    """Index of the digits after a dot, a noun with a dot, and at most three signs."""
    rest = [*pieces[index:], "", "", ""]
    at = int(rest[0] == ".")
    noun = at + (rest[at] == " ")
    if rest[noun].casefold() in NOUNS:
        at = noun + 1
        at += rest[at] == "."
    signs = 0
    while rest[at] in FILLERS and signs < 3:
        at, signs = at + 1, signs + 1
    return index + at if rest[at].isdigit() else None


def _is_two_local_numbers(number: list[str], broken: bool) -> bool:
    if ")" in number:
        return False
    sizes = [len(piece) for piece in number if piece.isdigit()]
    if (sum(sizes) - sizes[-1] == 7 and sum(sizes) in {10, 11} and sizes[0] in {2, 3, 7}) or sizes == [6, 4]:
        return True
    if sum(sizes) != 10:
        return False
    half = len(sizes) // 2
    if broken or len(sizes) % 2 or half == 1 or sizes[:half] != sizes[half:] or set(sizes) == {1}:
        return broken
    indexes = [index for index, piece in enumerate(number) if piece.isdigit()]
    return " " in number[indexes[half - 1] : indexes[half]]


def _is_phone_link(before: str) -> bool:
    word = before.split(" ")[-1].casefold()
    scheme, mark, host = word.partition("://")
    if mark and any(char.isascii() and char.isalpha() for char in scheme[-1:]):
        if scheme.endswith("tel"):
            return True
        if not scheme.endswith(("http", "https")):
            return False
    elif not re.search(r"(?:^|[^@.\w-])[a-z0-9][a-z0-9.-]*\.[a-z]{2,}/", word, re.ASCII):
        return True
    else:
        host = word[word.index(re.search(r"[a-z0-9][a-z0-9.-]*\.[a-z]{2,}/", word, re.ASCII)[0]) :]  # type: ignore[index]
    host = host.removeprefix("www.")
    return host.startswith("api.whatsapp.com/") or host in {"wa.me/", "wa.me/+"}


def _is_two_numbers_or_date(number: str) -> bool:
    head = number.replace("(", " ").replace("/", " ").split(" ")[0]
    behind = number[len(head) :]
    groups = [len(group) for group in head.split("-")]
    if len(groups) == 3 and groups[0] <= 3 and groups[1:] == [2, 2] and behind and "-" not in behind:
        return True
    if len(groups) == 3 and groups[0] <= 3 and groups[1:] == [2, 2] and number.count("-") == 4:
        return True
    if number.rfind("(") > number.rfind(")") and any(map(str.isdigit, number[: number.rfind("(")])):
        return True  # the last digits are in brackets
    sides = [sum(map(str.isdigit, side)) for side in number.split("/")]
    return (len(sides) == 2 and (sides[1] < 3 or sides == [5, 5])) or _is_date(number)


def _is_date(number: str) -> bool:
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


def _classify(digits: str, plus: str, warning: str | None) -> tuple[str, str | None]:
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
