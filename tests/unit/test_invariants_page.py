"""The page of invariants leaves none out, and names tests that are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAULTS = Path("tests/acceptance/faults")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in (ROOT / "docs/invariants.md").read_text(encoding="utf-8").splitlines()
    if re.match(r"\| (I\d+|–) \|", line)
]


def test_every_invariant_was_seen_to_break() -> None:
    assert {row[0] for row in ROWS} >= {f"I{number}" for number in range(1, 22)}


def test_every_row_tells_what_was_taken_out_and_what_came_of_it() -> None:
    assert [row for row in ROWS if len(row) != 5 or not all(row)] == []


def test_every_test_named_is_there() -> None:
    named = {name for row in ROWS for name in re.findall(r"`([\w/]*test_\w+\.py)", row[2])}
    missing = {name for name in named if not (ROOT / (name if "/" in name else FAULTS / name)).is_file()}
    assert len(named) > 20
    assert missing == set()
    assert all(re.search(r"test_\w+\.py", row[2]) for row in ROWS)
