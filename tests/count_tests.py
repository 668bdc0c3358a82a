"""Counts tests and asserts by folder: `python -m tests.count_tests`; compare two commits by its output.

`functions` are test functions, `asserts` assert statements, `raises` expected exceptions and warnings,
`calls` calls of helpers named `assert_…`; the last three are counted in helpers and fixtures, too.
`cases` are what pytest collects. `skips` are marks and calls of skip and xfail.
"""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
COLUMNS = ("files", "functions", "cases", "asserts", "raises", "calls", "skips")
EXPECTATIONS = {"raises", "warns"}
SKIPS = {"skip", "skipif", "xfail", "importorskip"}


def count_file(path: Path) -> Counter[str]:
    """Everything but the cases, in one file."""
    counts = Counter(files=1)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name.startswith("test_"):
                counts["functions"] += 1
            case ast.Assert():
                counts["asserts"] += 1
            case ast.Attribute(attr=name) if name in EXPECTATIONS | SKIPS:
                counts["raises" if name in EXPECTATIONS else "skips"] += 1
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if "assert_" in name:
                counts["calls"] += 1
    return counts


def folder_of(path: str) -> str:
    """The tier a file belongs to."""
    parts = path.split("/")
    return "/".join(parts[:3] if parts[1:3] == ["acceptance", "faults"] else parts[:2])


def collect_cases() -> Counter[str]:
    """How many cases pytest finds in each folder."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--no-header", "tests"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    return Counter(folder_of(line.partition("::")[0]) for line in listed.splitlines() if "::" in line)


def main() -> None:
    """Print the table."""
    totals: dict[str, Counter[str]] = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        folder = folder_of(path.relative_to(ROOT).as_posix())
        totals.setdefault(folder, Counter()).update(count_file(path))
    for folder, cases in collect_cases().items():
        totals.setdefault(folder, Counter())["cases"] = cases
    totals["all"] = sum(totals.values(), Counter())
    print(f"{'':26}" + "".join(f"{name:>10}" for name in COLUMNS))
    for folder, counts in totals.items():
        print(f"{folder:26}" + "".join(f"{counts[name]:10,}" for name in COLUMNS))


if __name__ == "__main__":
    main()
