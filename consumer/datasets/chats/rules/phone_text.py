"""Finds the only phone number in a text: digits with nothing but separators between them.

If in doubt it finds none, which costs a warning. Joining digits of two numbers would give a stranger's phone.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from consumer.cells.blanks import is_blank

MAX_CHARS = 200
MAX_DIGITS = 15 + 7
"""Characters, and digits with an extension: the patterns below take quadratic time."""
DIGITS = "0123456789"
SEPARATORS = "()-./ "
ALLOWED_NEIGHBORS = frozenset(SEPARATORS + ",:;'\"«»“”„[]{}<>=|!№+☎✆📞📱\ufe0f`\u2018\u2019\u201b\u02bc")
"""Characters allowed next to a number. Others hint at a masked digit (`?`, `*`) or at a name (`@`, `_`)."""
LABEL_SEPARATORS = SEPARATORS + ',:;[«"'
DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")

LINE_BREAKS = frozenset("\n\r\v\f\x85\u2028\u2029")

EXTENSION = re.compile(
    r"(?:(?:(?<![^\W\d_])(?:доб(?:авочный|ав)?|доп(?:олнительный)?|дб|вн(?:утр(?:енний)?)?|ext(?:ension)?"
    r"|д(?=\.? ?[0-9]{3})|[xх](?=[0-9]{2}))|(?<!\w)[xх]|#)"
    r"\.?(?: ?(?:номер|ном|тел(?:ефон)?)\.?)?[ :=№#(]{0,3}"
    r"|(?<=[0-9])(?:;|,,| ?\* ?(?=[0-9]{2})))"
    r"(?=[0-9])",
    re.IGNORECASE,
)
"""Marks of an extension: `доб. 12`, `вн. тел. 12`, `ext 12`, `#12`, `x12`, `;12`.

Also `д. 123`, but not `д. 12`, which may be the number of a house.
"""
MAX_EXTENSION_DIGITS = 7
"""Digits after the mark, in all numbers (`доб. 12, каб. 5`). More may be a second phone."""
NEXT_PHONE = re.compile(r"\+ ?[0-9]|тел|моб|сот|факс|tel|mob|fax", re.IGNORECASE)
LINK = re.compile(
    r"[a-z][a-z0-9+.-]*://|(?<![@\w.-])[a-z0-9][a-z0-9.-]*\.[a-z]{2,}/", re.IGNORECASE | re.ASCII
)
PHONE_LINK = re.compile(
    r"(?:https?://)?(?:www\.)?(?:wa\.me/\+?$|api\.whatsapp\.com/)|tel://", re.IGNORECASE | re.ASCII
)
"""In other links digits are part of a name: `t.me/c/1234567890`."""
LOCAL_DIGITS, LOCAL_WITH_EXTENSION_DIGITS = 7, (10, 11)
NATIONAL_DIGITS = 10
SIX_AND_FOUR = [6, 4]
LOCAL_FIRST_GROUP_SIZES = (2, 3, 7)
"""Digits in the first group of local numbers like `988-53-88`; area codes and `8 916` have other sizes."""
DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])([-./])(?:0?[1-9]|1[0-2])\1(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    r"|(?:19|20)[0-9]{2}([-./])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12][0-9]|3[01]))(?![0-9]|[-./][0-9])"
)
LOCAL_AND_ANOTHER = re.compile(r"[0-9]{1,3}-[0-9]{2}-[0-9]{2}[ (/][^-]*[0-9].*")
"""A number without its area code, followed by another one, a room or an extension."""
TRAILING_BRACKETS = re.compile(r".*[0-9].*\([^()]*[0-9][^()]*\)?")
OTHER_ID_WORDS = re.compile(
    r"(?<![^\W_])(?:инн|кпп|огрн(?:ип)?|снилс|ид(?:ентификатор\w*)?|ids?|identifier|inn"
    r"|паспорт(?:а|у|ом|е|ные|ных)?|полис(?:а|у|ом|е)?|бик|сч[её]т(?:а|у|ом|е)?|[лрк]/с)(?![^\W_])",
    re.IGNORECASE,
)
"""Words anywhere before a number, or next after it, that make it another kind of number.

Whole words only: «Инна», «Ида» and «Полисадов» are names.
"""


class PhoneMatch(NamedTuple):
    """The ASCII digits of the only number, whether a `+` precedes them, whether an extension follows."""

    digits: str
    has_plus: bool
    has_extension: bool


def find_phone(text: str) -> PhoneMatch | None:
    """The only number of a text; None if it has none, more than one, or a doubtful one.

    All dashes count as hyphens, all blanks as spaces.
    """
    if len(text) > MAX_CHARS or sum(char in DIGITS for char in text) > MAX_DIGITS:
        return None
    if any(unicodedata.category(char)[0] == "N" and char not in DIGITS for char in text):
        return None  # digits of other scripts and superscripts: skipping them would give another number
    value = "".join(" " if is_blank(char) else char for char in text.translate(DASHES))
    value, has_extension = _strip_extension(value)
    start, end = _digit_span(value)
    before, number, after = value[:start], value[start:end], value[end:]
    if not number or number.strip(DIGITS + SEPARATORS) or not _is_single_number(number):
        return None
    has_plus = before.rstrip(SEPARATORS).endswith("+")
    if not has_plus and _may_be_two_numbers(
        number, has_line_break=not LINE_BREAKS.isdisjoint(text[start:end])
    ):
        return None
    if not _context_allows_phone(before, after):
        return None
    return PhoneMatch("".join(char for char in number if char in DIGITS), has_plus, has_extension)


def _strip_extension(value: str) -> tuple[str, bool]:
    """The text before an extension, and whether there was one."""
    first, _ = _digit_span(value)
    extension = EXTENSION.search(value, first + 1)
    if extension is None:
        return value, False
    after = value[extension.end() :]
    if sum(char in DIGITS for char in after) > MAX_EXTENSION_DIGITS or NEXT_PHONE.search(after):
        return value, False
    return value[: extension.start()], True


def _context_allows_phone(before: str, after: str) -> bool:
    """Whether the words around a number leave it a phone."""
    if not (_is_allowed_boundary(before) and _is_allowed_boundary(after[::-1])):
        return False
    word = before.rpartition(" ")[2]
    link = LINK.search(word)
    if link and not PHONE_LINK.match(word, link.start()):
        return False
    return not (OTHER_ID_WORDS.search(before) or OTHER_ID_WORDS.match(after.lstrip(LABEL_SEPARATORS)))


def _digit_span(value: str) -> tuple[int, int]:
    """Index of the first digit, and the one after the last; (0, 0) without digits."""
    indexes = [index for index, char in enumerate(value) if char in DIGITS]
    return (indexes[0], indexes[-1] + 1) if indexes else (0, 0)


def _is_allowed_boundary(context: str) -> bool:
    """Whether the last character, next to the number, neither masks a digit nor makes it part of a name."""
    if not context or context[-1] in ALLOWED_NEIGHBORS:
        return True
    return context[-1].isalpha() and context[-2:].isalpha() and len(context) > 1


def _is_single_number(number: str) -> bool:
    """Whether digits and separators are one number and not a date."""
    if DATE.match(number) or LOCAL_AND_ANOTHER.fullmatch(number) or TRAILING_BRACKETS.fullmatch(number):
        return False
    parts = number.split("/")
    if len(parts) != 2:
        return True
    first, second = (sum(char in DIGITS for char in part) for part in parts)
    return second > 2 and (first, second) != (5, 5)  # `…-67/68` and `34567/34568` are two numbers


def _may_be_two_numbers(number: str, *, has_line_break: bool) -> bool:
    """Whether digits without a `+` may be two local numbers, or one and its extension.

    With an area code in brackets they are one. A line break within ten digits separates two numbers; eleven
    are one number that was too long for its line.
    """
    if ")" in number:
        return False
    groups = [len(group) for group in re.findall("[0-9]+", number)]
    digits = sum(groups)
    if (
        digits in LOCAL_WITH_EXTENSION_DIGITS
        and groups[0] in LOCAL_FIRST_GROUP_SIZES
        and digits - groups[-1] == LOCAL_DIGITS
    ):
        return True
    if digits == NATIONAL_DIGITS and groups == SIX_AND_FOUR:
        return True
    return digits == NATIONAL_DIGITS and (has_line_break or _has_equal_halves(number, groups))


def _has_equal_halves(number: str, group_sizes: Sequence[int]) -> bool:
    """Whether a blank separates two halves of the same form, as in `345-67 345-68`."""
    half, odd = divmod(len(group_sizes), 2)
    if odd or half < 2 or group_sizes[:half] != group_sizes[half:] or max(group_sizes) == 1:
        return False
    return " " in re.findall("[^0-9]+", number)[half - 1]
