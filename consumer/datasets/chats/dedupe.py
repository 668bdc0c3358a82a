"""What a load has seen: first rows, numbers of keys, attributes of universities."""

from collections.abc import Iterable, Sequence
from itertools import islice

from consumer.datasets.chats.copy_text import FALSE, NULL, TRUE

Key = tuple[str, ...]
UniversityKey = tuple[str, str]
"""ИНН and КПП."""
UNIVERSITY_FIELDS = ("organization", "foiv", "region", "region_number")
"""The fields of a university besides its key."""


class FirstSeen:
    """Marks the first row of each url, and of each url with phone.

    Most urls have one phone, so further phones are kept in a set of their own.
    """

    def __init__(self) -> None:
        self._first_phones: dict[str, str] = {}
        self._other_phones: set[tuple[str, str]] = set()

    def mark(self, urls: Sequence[str], phones: Sequence[str]) -> tuple[list[str], list[str]]:
        """For each row as COPY text: is it the first of its url, and the first of its url and phone."""
        first_urls, first_phones = [], []
        phone_by_url = self._first_phones.get
        for url, phone in zip(urls, phones, strict=True):
            known_phone = phone_by_url(url)
            if known_phone is None:
                self._first_phones[url] = phone
            first_urls.append(TRUE if known_phone is None else FALSE)
            first_phones.append(
                TRUE
                if phone and (known_phone is None or self._is_new_phone(url, phone, known_phone))
                else FALSE
            )
        return first_urls, first_phones

    def _is_new_phone(self, url: str, phone: str, known_phone: str) -> bool:
        if phone == known_phone or (url, phone) in self._other_phones:
            return False
        self._other_phones.add((url, phone))
        return True


class KeyNumbering(dict[Key, str]):
    """Numbers distinct keys from 1 in the order they appear, as COPY text: their texts are sent once."""

    def __missing__(self, key: Key) -> str:
        self[key] = number = str(len(self) + 1)
        return number

    def assign(
        self, positions: Sequence[str], keys: Iterable[Key]
    ) -> tuple[list[str], list[tuple[str, ...]]]:
        """The number of each row's key, and (position, number, *key) of the new keys."""
        known = len(self)
        numbers = list(map(self.__getitem__, keys))
        if len(self) == known:
            return numbers, []
        first_positions = dict(zip(reversed(numbers), reversed(positions), strict=True))
        new_keys = islice(self.items(), known, None)
        return numbers, [(first_positions[number], number, *key) for key, number in new_keys]


class GroupNumbering(KeyNumbering):
    """Numbers groups by keys that end in the group's name; an empty name is no group and gets null."""

    def __missing__(self, key: Key) -> str:
        return super().__missing__(key) if key[-1] else NULL


class UniversityAttributes:
    """Keeps the first nonempty value of each attribute of a university within one load."""

    def __init__(self) -> None:
        self._seen_rows: set[tuple[str, ...]] = set()
        self._seen_attributes: dict[UniversityKey, set[int]] = {}

    def first_values(
        self, keys: Sequence[UniversityKey], attributes: Sequence[Sequence[str]]
    ) -> list[tuple[int, tuple[str, ...]]]:
        """Index and new values of each row that has any; values that are not new are empty.

        `attributes` are the columns of UNIVERSITY_FIELDS.
        """
        rows = list(zip(keys, *attributes, strict=True))
        new_rows = set(rows) - self._seen_rows
        if not new_rows:
            return []
        self._seen_rows |= new_rows
        values_by_row = []
        for index, row in enumerate(rows):
            if row in new_rows:
                new_rows.discard(row)
                values_by_row.append((index, self._unseen_values(row[0], row[1:])))
        return [(index, values) for index, values in values_by_row if any(values)]

    def _unseen_values(self, key: UniversityKey, values: tuple[str, ...]) -> tuple[str, ...]:
        seen = self._seen_attributes.setdefault(key, set())
        new = {attribute for attribute, value in enumerate(values) if value and attribute not in seen}
        seen |= new
        return tuple(value if attribute in new else "" for attribute, value in enumerate(values))
