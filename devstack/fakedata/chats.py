"""Generated chats, valid and invalid, with the outcome that an import must give each of them.

Every row depends only on its number and the seed, so that millions of rows can be streamed.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from devstack.fakedata.counters import DUPLICATE, FAILED, INSERTED
from devstack.fakedata.universities import inn_of_organisation
from devstack.fakedata.valid_rows import SUBJECTS

SLOT_COUNT, SLOT_STRIDE = 1000, 7919
"""Row n has slot (n * SLOT_STRIDE + seed) % SLOT_COUNT: every slot once in SLOT_COUNT successive rows."""
DUPLICATE_SLOTS = range(500, 520)
"""Slots of rows that repeat the link of an earlier row; that row has a slot from 581 on and is valid."""
UNUSUAL_SLOTS = range(800, 840)
MAX_INVALID_SHARE = 0.4
HASH_MULTIPLIER = 0x9E3779B97F4A7C15
"""An odd multiplier modulo 2**64: links of different rows differ, and neighbours are not similar."""


class GeneratedChat(NamedTuple):
    """The cells of a row; an empty text is an empty cell."""

    inn: str
    kpp: str
    url: str
    phone: str
    name: str


RowChange = tuple[str, Callable[[GeneratedChat], GeneratedChat]]
"""The outcome of a changed row (FAILED, INSERTED, or the code of a warning), and the change."""

INVALID_CHANGES: tuple[RowChange, ...] = (
    (FAILED, lambda chat: chat._replace(url="")),
    (FAILED, lambda chat: chat._replace(url=chat.url.removeprefix("https://"))),
    (FAILED, lambda chat: chat._replace(url=chat.url.replace("join", "join me"))),
    (FAILED, lambda chat: chat._replace(inn="")),
    (FAILED, lambda chat: chat._replace(inn=chat.inn[:5])),
    (FAILED, lambda chat: chat._replace(inn="уточняется")),
)
INVALID_KPP_CHANGE: RowChange = (FAILED, lambda chat: chat._replace(kpp="нет КПП"))
UNUSUAL_CHANGES: tuple[RowChange, ...] = (
    ("phone", lambda chat: chat._replace(phone="нет")),
    ("inn_check_digit", lambda chat: chat._replace(inn=chat.inn[:9] + str((int(chat.inn[9]) + 1) % 10))),
    (
        "inn_zero_restored",
        lambda chat: _move_to_low_region(chat)._replace(inn=_inn_with_leading_zero(chat.inn)[1:]),
    ),
    (INSERTED, lambda chat: chat._replace(phone="")),
    (INSERTED, lambda chat: chat._replace(name="")),
    (INSERTED, lambda chat: chat._replace(phone="+375 29 123-45-67")),
)
UNUSUAL_KPP_CHANGE: RowChange = (
    "kpp_zero_restored",
    lambda chat: _move_to_low_region(chat)._replace(kpp=f"5{chat.inn[2:4]}01001"),
)


class ChatGenerator:
    """Generates chats whose links and organisations no generator of another tag and tax office generates.

    `invalid_share` is the share of rows that must be rejected; without `with_kpp` no row has a КПП.
    """

    def __init__(
        self, rows: int, seed: int, *, tag: str, tax_office: str, invalid_share: float, with_kpp: bool
    ) -> None:
        if not 0 <= invalid_share <= MAX_INVALID_SHARE:
            raise ValueError(
                f"The share of invalid rows is {invalid_share}; it may be 0 to {MAX_INVALID_SHARE}."
            )
        self.rows = rows
        self._seed = seed
        self._tag = tag
        count = max(20, min(900, rows // 170))
        self._inns = [inn_of_organisation(f"77{tax_office}{number:05d}") for number in range(count)]
        self._kpps = [f"77{tax_office}01001" if with_kpp and number % 50 else "" for number in range(count)]
        self._changes = _changes_by_slot(round(invalid_share * SLOT_COUNT), with_kpp=with_kpp)

    def chats(self) -> Iterator[tuple[int, GeneratedChat, str]]:
        """Number from 0, chat, and outcome: INSERTED, DUPLICATE, FAILED, or the code of a warning."""
        changes, seed = self._changes, self._seed
        for number in range(self.rows):
            slot = (number * SLOT_STRIDE + seed) % SLOT_COUNT
            if slot in DUPLICATE_SLOTS and number:
                yield number, self._chat(number)._replace(url=self.url(_earlier_row(number, slot))), DUPLICATE
            elif slot in changes:
                outcome, change = changes[slot]
                yield number, change(self._chat(number)), outcome
            else:
                yield number, self._chat(number), INSERTED

    def url(self, number: int) -> str:
        """The link of a row."""
        return f"https://max.ru/join/{number * HASH_MULTIPLIER + self._seed & (1 << 64) - 1:016x}{self._tag}"

    def _chat(self, number: int) -> GeneratedChat:
        index = (number * 2654435761 >> 7) % len(self._inns)
        phone = f"+79{(number * 7654321 + self._seed) % 10**9:09d}"
        name = f"{SUBJECTS[number % 7]} {number % 89 + 100}"
        return GeneratedChat(self._inns[index], self._kpps[index], self.url(number), phone, name)


def _changes_by_slot(invalid_slots: int, *, with_kpp: bool) -> dict[int, RowChange]:
    invalid = (*INVALID_CHANGES, INVALID_KPP_CHANGE) if with_kpp else INVALID_CHANGES
    unusual = (*UNUSUAL_CHANGES, UNUSUAL_KPP_CHANGE) if with_kpp else UNUSUAL_CHANGES
    return {slot: invalid[slot % len(invalid)] for slot in range(invalid_slots)} | {
        slot: unusual[slot % len(unusual)] for slot in UNUSUAL_SLOTS
    }


def _earlier_row(number: int, slot: int) -> int:
    """The number of a valid row before this one: the previous one, or one about half way back."""
    return number - 1 if slot % 2 else number - 1 - (number - 1) // (2 * SLOT_COUNT) * SLOT_COUNT


def _inn_with_leading_zero(inn: str) -> str:
    return inn_of_organisation(f"05{inn[2:9]}")


def _move_to_low_region(chat: GeneratedChat) -> GeneratedChat:
    return chat._replace(inn=_inn_with_leading_zero(chat.inn), kpp=chat.kpp and f"05{chat.inn[2:4]}01001")
