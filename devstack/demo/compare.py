"""Tables that compare what a source holds with what was imported."""

from collections.abc import Mapping, Sequence
from typing import Any

COUNTERS = ("total", "processed", "failed", "inserted", "duplicates")

ComparedCount = tuple[str, int, int]
"""Name of the count, its value in the source, and its value as reported or stored."""


def compare_counts(expected: Mapping[str, Any], reported: Mapping[str, Any]) -> list[ComparedCount]:
    """The counters and warnings of one import, expected and reported."""
    codes = sorted({*expected["warnings"], *reported["warnings"]})
    return [(name, expected[name], reported[name]) for name in COUNTERS] + [
        (f"warnings: {code}", expected["warnings"].get(code, 0), reported["warnings"].get(code, 0))
        for code in codes
    ]


def print_table(title: str, lines: Sequence[ComparedCount]) -> bool:
    """Print the lines; whether expected and reported counts agree in all of them."""
    print(f"\n{title:<34}{'in the source':>16}{'imported':>12}")
    for name, expected, reported in lines:
        mark = "" if expected == reported else "   DIFFERS"
        print(f"{name:<34}{expected:>16,}{reported:>12,}{mark}")
    return all(expected == reported for _, expected, reported in lines)
