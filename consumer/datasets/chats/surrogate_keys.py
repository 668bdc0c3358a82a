"""Numbers distinct keys in the order they appear, so that their texts travel once."""

from collections.abc import Iterable, Sequence
from itertools import islice

from consumer.datasets.chats.copy_text import NULL

Key = tuple[str, ...]


class KeyNumbering(dict[Key, str]):
    """Key → number from 1, as COPY text."""

    def __missing__(self, key: Key) -> str:
        self[key] = number = str(len(self) + 1)
        return number

    def assign(
        self, positions: Sequence[str], keys: Iterable[Key]
    ) -> tuple[list[str], list[tuple[str, ...]]]:
        """The number of each row's key, and (position, number, *key) of keys not met before."""
        before = len(self)
        numbers = list(map(self.__getitem__, keys))
        if len(self) == before:
            return numbers, []
        first = dict(zip(reversed(numbers), reversed(positions), strict=True))
        return numbers, [(first[no], no, *key) for key, no in islice(self.items(), before, None)]


class GroupNumbering(KeyNumbering):
    """Numbers groups by keys that end in the group's name; without a name there is no group."""

    def __missing__(self, key: Key) -> str:
        return super().__missing__(key) if key[-1] else NULL
