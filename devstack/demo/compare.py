"""What a source holds beside what was imported of it, line by line."""

from collections.abc import Mapping, Sequence
from typing import Any

COUNTERS = ("total", "processed", "failed", "inserted", "duplicates")

ComparedCount = tuple[str, int, int]
"""What is counted, how many there are in the source, how many the service says."""


def compare_counts(expected: Mapping[str, Any], reported: Mapping[str, Any]) -> list[ComparedCount]:
    """The counters and warnings of one import."""
    codes = sorted({*expected["warnings"], *reported["warnings"]})
    return [(name, expected[name], reported[name]) for name in COUNTERS] + [
        (f"warnings: {code}", expected["warnings"].get(code, 0), reported["warnings"].get(code, 0))
        for code in codes
    ]


def print_table(title: str, lines: Sequence[ComparedCount]) -> bool:
    """Print the lines; true when all of them agree."""
    print(f"\n{title:<34}{'in the source':>16}{'imported':>12}")
    for name, wanted, found in lines:
        print(f"{name:<34}{wanted:>16,}{found:>12,}{'' if wanted == found else '   DIFFERS'}")
    return all(wanted == found for _, wanted, found in lines)
