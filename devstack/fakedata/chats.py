"""Chats as people keep them, right and wrong, and what an import of them must report.

Every row follows from its number and the seed alone, so that millions of them can be streamed.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

INSERTED, DUPLICATE, FAILED = "inserted", "duplicate", "failed"
SLOT_COUNT, SLOT_STRIDE = 1000, 7919
"""Row n has slot (n * STEP + seed) % PERIOD: each slot once in every PERIOD rows."""
DUPLICATE_SLOTS = range(500, 520)
"""Slots of rows with the link of an earlier row, which lies at a slot from 581 on, where rows are right."""
UNUSUAL_SLOTS = range(800, 840)
MAX_INVALID_SHARE = 0.4
HASH_MULTIPLIER = 0x9E3779B97F4A7C15
"""An odd factor: different numbers stay different, and neighbours go far apart, as real links do."""
INN_WEIGHTS = (2, 4, 10, 3, 5, 9, 4, 6, 8)
SUBJECTS = ("Староста", "Чат группы", "Первокурсники", "Кураторы", "Деканат", "Общежитие", "Студсовет")


@dataclass(frozen=True, slots=True)
class ExpectedCounts:
    """The counts of a first load into an empty database; a second one reports `inserted` as unchanged.

    `rejected` are physical rows of a sheet, ids of a table.
    """

    total: int
    processed: int
    failed: int
    inserted: int
    duplicates: int
    warnings: Mapping[str, int]
    rejected: tuple[int, ...]


class GeneratedChat(NamedTuple):
    """What is written; empty text where nothing is."""

    inn: str
    kpp: str
    url: str
    phone: str
    name: str


RowChange = tuple[str, Callable[[GeneratedChat], GeneratedChat]]
"""What becomes of a row that is changed so: FAILED, INSERTED, or the code of a warning."""

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
    """Makes chats with links and organisations that no maker of another `tag` and `office` makes.

    `wrong` is the share of rows that must be rejected; the rows have a КПП only when `kpp` says so.
    """

    def __init__(
        self, rows: int, seed: int, *, tag: str, tax_office: str, invalid_share: float, with_kpp: bool
    ) -> None:
        if not 0 <= invalid_share <= MAX_INVALID_SHARE:
            raise ValueError(
                f"The share of wrong rows is {invalid_share}; it may be 0 to {MAX_INVALID_SHARE}."
            )
        self.rows = rows
        self._seed = seed
        self._tag = tag
        count = max(20, min(900, rows // 170))
        self._inns = [inn_of_organisation(f"77{tax_office}{number:05d}") for number in range(count)]
        self._kpps = [f"77{tax_office}01001" if with_kpp and number % 50 else "" for number in range(count)]
        self._changes = _changes_by_slot(round(invalid_share * SLOT_COUNT), with_kpp=with_kpp)

    def chats(self) -> Iterator[tuple[int, GeneratedChat, str]]:
        """Number from 0, what is written, and what becomes of it."""
        changes, seed = self._changes, self._seed
        for number in range(self.rows):
            slot = (number * SLOT_STRIDE + seed) % SLOT_COUNT
            if slot in DUPLICATE_SLOTS and number:
                yield number, self._chat(number)._replace(url=self.url(_earlier_row(number, slot))), DUPLICATE
            elif slot in changes:
                fate, change = changes[slot]
                yield number, change(self._chat(number)), fate
            else:
                yield number, self._chat(number), INSERTED

    def url(self, number: int) -> str:
        """The link of a row."""
        return f"https://max.ru/join/{number * HASH_MULTIPLIER + self._seed & (1 << 64) - 1:016x}{self._tag}"

    def _chat(self, number: int) -> GeneratedChat:
        place = (number * 2654435761 >> 7) % len(self._inns)
        phone = f"+79{(number * 7654321 + self._seed) % 10**9:09d}"
        name = f"{SUBJECTS[number % 7]} {number % 89 + 100}"
        return GeneratedChat(self._inns[place], self._kpps[place], self.url(number), phone, name)


class OutcomeCounter:
    """Counts what becomes of rows."""

    def __init__(self) -> None:
        self._outcomes: Counter[str] = Counter()
        self._rejected: list[int] = []

    def add(self, position: int, outcome: str) -> None:
        """A row that counts."""
        self._outcomes[outcome] += 1
        if outcome == FAILED:
            self._rejected.append(position)

    def expected(self) -> ExpectedCounts:
        """The sums."""
        fates = self._outcomes
        usual = {INSERTED, DUPLICATE, FAILED}
        total, failed, duplicates = fates.total(), fates[FAILED], fates[DUPLICATE]
        return ExpectedCounts(
            total=total,
            processed=total - failed,
            failed=failed,
            inserted=total - failed - duplicates,
            duplicates=duplicates,
            warnings={code: fates[code] for code in sorted(fates.keys() - usual)},
            rejected=tuple(self._rejected),
        )


def inn_of_organisation(prefix: str) -> str:
    """The ИНН that begins with these nine digits, by the tax service's check digit."""
    total = sum(int(digit) * weight for digit, weight in zip(prefix, INN_WEIGHTS, strict=True))
    return prefix + str(total % 11 % 10)


def _changes_by_slot(invalid_slots: int, *, with_kpp: bool) -> dict[int, RowChange]:
    """What is changed in rows, by slot."""
    wrongs = (*INVALID_CHANGES, INVALID_KPP_CHANGE) if with_kpp else INVALID_CHANGES
    unusual = (*UNUSUAL_CHANGES, UNUSUAL_KPP_CHANGE) if with_kpp else UNUSUAL_CHANGES
    return {slot: wrongs[slot % len(wrongs)] for slot in range(invalid_slots)} | {
        slot: unusual[slot % len(unusual)] for slot in UNUSUAL_SLOTS
    }


def _earlier_row(number: int, slot: int) -> int:
    """A right row before this one: the last, or one about half way back."""
    return number - 1 if slot % 2 else number - 1 - (number - 1) // (2 * SLOT_COUNT) * SLOT_COUNT


def _inn_with_leading_zero(inn: str) -> str:
    return inn_of_organisation(f"05{inn[2:9]}")


def _move_to_low_region(chat: GeneratedChat) -> GeneratedChat:
    return chat._replace(inn=_inn_with_leading_zero(chat.inn), kpp=chat.kpp and f"05{chat.inn[2:4]}01001")
