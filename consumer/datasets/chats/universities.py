"""What rows say of their university: within one load the first value that is not empty wins."""

from collections.abc import Sequence

Key = tuple[str, str]
ABOUT = ("organization", "foiv", "region", "region_number")
"""Fields of a university beside its key."""


class Universities:
    """Remembers which values of which university (ИНН, КПП) were told already in this load."""

    def __init__(self) -> None:
        self._met: set[tuple[str, ...]] = set()
        self._told: dict[Key, set[int]] = {}

    def news(self, keys: Sequence[Key], about: Sequence[Sequence[str]]) -> list[tuple[int, tuple[str, ...]]]:
        """Rows by place that tell something first, with the values they tell; what is known is empty."""
        rows = list(zip(keys, *about, strict=True))
        fresh = set(rows) - self._met
        if not fresh:
            return []
        self._met |= fresh
        told = []
        for place, row in enumerate(rows):
            if row in fresh:
                fresh.discard(row)
                told.append((place, self._tell(row[0], row[1:])))
        return [(place, values) for place, values in told if any(values)]

    def _tell(self, key: Key, values: tuple[str, ...]) -> tuple[str, ...]:
        told = self._told.setdefault(key, set())
        new = {place for place, value in enumerate(values) if value and place not in told}
        told |= new
        return tuple(value if place in new else "" for place, value in enumerate(values))
