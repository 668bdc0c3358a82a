"""Finds the one phone number in a text: its digits, with nothing but separators between them.

To find none is always safe, since it costs a warning; to join digits that do not belong together makes
somebody else's number.
"""

import re
import unicodedata
from typing import NamedTuple

from consumer.datasets.chats.rules.blanks import is_blank

LONGEST = 200
MOST_DIGITS = 15 + 7
"""Characters, and digits with an extension: the patterns below take the square of them."""
DIGITS = "0123456789"
SEPARATORS = "()-./ "
ADJACENT = frozenset(SEPARATORS + ",:;'\"«»“”„[]{}<>=|!№+☎✆📞📱\ufe0f")
"""What may touch a number. Anything else hints at a hidden digit (`?`, `*`) or at a name (`@`, `_`)."""
BETWEEN = SEPARATORS + ',:;[«"'
DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"), "-")

EXTENSION = re.compile(
    r"(?P<number>.*[0-9].*?)"
    r"(?:(?<![^\W\d_])(?:доб(?:авочный|ав)?|вн(?:утр(?:енний)?)?|ext(?:ension)?|[xх](?=[0-9]{2}))|(?<!\w)[xх]|#)"
    r"\.?(?: ?(?:номер|ном)\b\.?)?[ :=№#(]{0,3}[0-9]{1,7}[^0-9]*",
    re.IGNORECASE | re.DOTALL,
)
"""What stands behind the number of an exchange: `доб. 12`, `вн. 12`, `ext 12`, `#12`, `x12`."""
DATE = re.compile(
    r"(?:(?:0?[1-9]|[12][0-9]|3[01])([-./])(?:0?[1-9]|1[0-2])\1(?:(?:19|20)[0-9]{2}|[0-9]{2})"
    r"|(?:19|20)[0-9]{2}([-./])(?:0?[1-9]|1[0-2])\2(?:0?[1-9]|[12][0-9]|3[01]))(?![0-9]|[-./][0-9])"
)
LOCAL_AND_MORE = re.compile(r"[0-9]{1,3}-[0-9]{2}-[0-9]{2}[ (/][^-]*[0-9].*")
"""A number without its code, and behind it another one, a room or an extension."""
BRACKETS_BEHIND = re.compile(r".*[0-9].*\([^()]*[0-9][^()]*\)?")
OTHER_NUMBER = re.compile(
    r"(?<![^\W_])(?:инн|кпп|огрн(?:ип)?|снилс|ид(?:ентификатор\w*)?|ids?|identifier|inn"
    r"|паспорт(?:а|у|ом|е|ные|ных)?|полис(?:а|у|ом|е)?|бик|сч[её]т(?:а|у|ом|е)?|[лрк]/с)(?![^\W_])",
    re.IGNORECASE,
)
"""Words before a number, or the next one behind it, that say that it is no phone; whole ones, for «Инна»,
«Ида» and «Полисадов» are names."""


class Found(NamedTuple):
    """The ASCII digits of the only number, whether a `+` stands before them, and an extension behind."""

    digits: str
    plus: bool
    extension: bool


def find(text: str) -> Found | None:
    """The only number of a text; None where there is none, more than one, or a doubtful one.

    Dashes of every kind are hyphens, blanks are spaces.
    """
    if len(text) > LONGEST or sum(char in DIGITS for char in text) > MOST_DIGITS:
        return None
    if any(unicodedata.category(char)[0] == "N" and char not in DIGITS for char in text):
        return None  # a digit of another script, or a raised one: without it this is another number
    value = "".join(" " if is_blank(char) else char for char in text.translate(DASHES))
    extended = EXTENSION.fullmatch(value)
    if extended:
        value = extended["number"]
    start, end = _span(value)
    before, number, behind = value[:start], value[start:end], value[end:]
    if not number or number.strip(DIGITS + SEPARATORS) or not _is_one(number):
        return None
    if not (_may_end(before) and _may_end(behind[::-1])):
        return None
    if OTHER_NUMBER.search(before) or OTHER_NUMBER.match(behind.lstrip(BETWEEN)):
        return None
    digits = "".join(char for char in number if char in DIGITS)
    return Found(digits, before.rstrip(SEPARATORS).endswith("+"), extended is not None)


def _span(value: str) -> tuple[int, int]:
    """From the first digit to behind the last one."""
    places = [place for place, char in enumerate(value) if char in DIGITS]
    return (places[0], places[-1] + 1) if places else (0, 0)


def _may_end(outside: str) -> bool:
    """Whether what touches the number with its last character hides no digit and makes it no name."""
    if not outside or outside[-1] in ADJACENT:
        return True
    return outside[-1].isalpha() and outside[-2:].isalpha() and len(outside) > 1


def _is_one(number: str) -> bool:
    """Whether digits and separators are one number, and no date."""
    if DATE.match(number) or LOCAL_AND_MORE.fullmatch(number) or BRACKETS_BEHIND.fullmatch(number):
        return False
    parts = number.split("/")
    if len(parts) != 2:
        return True
    first, second = (sum(char in DIGITS for char in part) for part in parts)
    return second > 2 and (first, second) != (5, 5)  # `…-67/68` names two numbers, `34567/34568` too
