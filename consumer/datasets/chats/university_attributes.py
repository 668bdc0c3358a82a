"""What rows say of their university: within one load the first value that is not empty wins."""

from collections.abc import Sequence

UniversityKey = tuple[str, str]
UNIVERSITY_FIELDS = ("organization", "foiv", "region", "region_number")
"""Fields of a university beside its key."""


class UniversityAttributes:
    """Remembers which values of which university (ИНН, КПП) were told already in this load."""

    def __init__(self) -> None:
        self._seen_rows: set[tuple[str, ...]] = set()
        self._seen_values: dict[UniversityKey, set[int]] = {}

    def first_values(
        self, keys: Sequence[UniversityKey], attributes: Sequence[Sequence[str]]
    ) -> list[tuple[int, tuple[str, ...]]]:
        """Rows by place that tell something first, with the values they tell; what is known is empty."""
        rows = list(zip(keys, *attributes, strict=True))
        fresh = set(rows) - self._seen_rows
        if not fresh:
            return []
        self._seen_rows |= fresh
        told = []
        for place, row in enumerate(rows):
            if row in fresh:
                fresh.discard(row)
                told.append((place, self._unseen_values(row[0], row[1:])))
        return [(place, values) for place, values in told if any(values)]

    def _unseen_values(self, key: UniversityKey, values: tuple[str, ...]) -> tuple[str, ...]:
        told = self._seen_values.setdefault(key, set())
        new = {place for place, value in enumerate(values) if value and place not in told}
        told |= new
        return tuple(value if place in new else "" for place, value in enumerate(values))
