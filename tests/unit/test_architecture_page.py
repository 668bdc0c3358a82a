"""The architecture page names functions and modules that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FUNCTION_IN_FILE = re.compile(r"`([\w/]+\.py)` \(`(\w+)`\)")
WORKER_FILES = re.compile(r"one file per duty:\n\n(.*?)\n\n", re.DOTALL)


def _definitions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def test_functions_are_in_the_files_named_with_them() -> None:
    named = FUNCTION_IN_FILE.findall(PAGE)
    assert len(named) >= 10
    assert not [(file, name) for file, name in named if name not in _definitions(ROOT / file)]


def test_table_of_the_worker_lists_its_files() -> None:
    match = WORKER_FILES.search(PAGE)
    assert match is not None
    rows = [line.split("|")[1] for line in match[1].splitlines()[2:]]
    listed = [name for cell in rows for name in re.findall(r"`(\w+)`", cell)]
    files = {path.stem for path in (ROOT / "consumer" / "worker").glob("*.py")} - {"__init__"}
    assert sorted(listed) == sorted(files)
