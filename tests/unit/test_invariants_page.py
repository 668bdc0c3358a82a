"""The pages of invariants cover every invariant and name tests that exist."""

import re
from pathlib import Path

from tests.support.doc_pages import ROOT

FAULTS = Path("tests/acceptance/faults")
FOLDER = ROOT / "docs" / "invariants"
TEXT = "\n".join(path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md")))
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
ENTRY = re.compile(r"^\*\*(?P<promise>.+)\.\*\*\n\n(?P<facts>(?:\* .+\n)+)", re.MULTILINE)
FACTS = ["Test", "Removed", "Failure"]


def _sections() -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Below each heading: the promises, each with what was tested, removed and seen."""
    _, *parts = HEADING.split(TEXT)
    return {
        heading: [(entry["promise"], _facts(entry["facts"])) for entry in ENTRY.finditer(body)]
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
        if not heading.startswith(("Held by", "Not proven"))
    }


def _facts(lines: str) -> dict[str, str]:
    return dict(re.findall(r"^\* (\w+): (.+)$", lines, re.MULTILINE))


SECTIONS = _sections()
ENTRIES = [entry for section in SECTIONS.values() for entry in section]


def test_every_invariant_has_a_section_with_entries() -> None:
    numbered = {heading.split(":")[0]: entries for heading, entries in SECTIONS.items() if ":" in heading}
    assert set(numbered) == {f"I{number}" for number in range(1, 22)}
    assert all(SECTIONS.values())


def test_every_entry_names_test_removal_and_failure() -> None:
    assert len(ENTRIES) == len(re.findall(r"^\*\*.+\.\*\*$", TEXT, re.MULTILINE)) > 100
    assert [promise for promise, facts in ENTRIES if list(facts)[:3] != FACTS] == []


def test_named_test_files_exist() -> None:
    named = {file for _, facts in ENTRIES for file in _files(facts["Test"])}
    assert len(named) > 20
    assert {str(file) for file in named if not (ROOT / file).is_file()} == set()
    assert [promise for promise, facts in ENTRIES if not _files(facts["Test"])] == []


def test_named_tests_are_in_their_files() -> None:
    cases = 0
    for promise, facts in ENTRIES:
        text = "".join((ROOT / file).read_text(encoding="utf-8") for file in _files(facts["Test"]))
        for case in re.findall(r"[`:](test_\w+)`", facts["Test"]):
            cases += 1
            assert f"def {case}(" in text, (promise, case)
    assert cases > 50


def test_index_lists_every_section() -> None:
    listed = re.findall(r"^\* \[([^]]+)\]\(", (FOLDER / "index.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(SECTIONS)


def _files(test: str) -> list[Path]:
    """Return the named files; the default folder is that of the fault tests."""
    names = re.findall(r"`([\w/]*test_\w+\.py)", test)
    return [Path(name) if "/" in name else FAULTS / name for name in names]
