"""README and pages agree with the code on states, settings and commands."""

import re

import pytest

from consumer.lifecycle import TRANSITIONS
from consumer.settings import Settings
from tests.support.doc_pages import ROOT, anchors, code_names, read_page, section, table_rows

README = read_page("README.md")
PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
ARROW = re.compile(r"^    (\[\*\]|\w+) --> (\w+) : (.+)$", re.MULTILINE)


def test_state_diagram_matches_lifecycle() -> None:
    picture = read_page("docs/states.md")
    drawn = {(name, None if left == "[*]" else left, right) for left, right, name in ARROW.findall(picture)}
    assert drawn == {(name, left and str(left), str(right)) for name, left, right in TRANSITIONS}


def test_every_setting_is_listed() -> None:
    """The page lists every setting and no other."""
    table = read_page("docs/configuration.md").split("## Who may")[0]
    listed = set(re.findall(r"`((?:KAFKA|MIGRATION|DATABASE)_[A-Z_]+)`", table)) - {"DATABASE_URL_FILE"}
    assert listed == {name.upper() for name in Settings.model_fields}


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "docs/quickstart.md", "docs/performance.md"]
)
def test_named_make_targets_exist(name: str) -> None:
    makefile, text = read_page("Makefile"), read_page(name)
    named = set(re.findall(r"^make ([\w-]+)", text, re.MULTILINE)) | set(re.findall(r"`make ([\w-]+)", text))
    assert named
    assert not [target for target in named if f"\n{target}:" not in makefile]


def test_every_make_target_is_documented() -> None:
    targets = set(re.findall(r"^([a-z-]+):.* ## ", read_page("Makefile"), re.MULTILINE))
    listed = {
        name.split()[1]
        for name in code_names(section(read_page("CONTRIBUTING.md"), "Commands"))
        if " " in name
    }
    assert targets - {"help", "venv", "lock"} <= listed


def test_readme_is_short_and_shows_two_commands() -> None:
    assert len(README.splitlines()) <= 130
    assert re.findall(r"^make (\w+)", README, re.MULTILINE) == ["demo", "test"]


def test_every_package_is_listed() -> None:
    listed = {
        name.strip("/")
        for cell, _ in table_rows(section(read_page("docs/architecture.md"), "Packages"))
        for name in code_names(cell)
    }
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"docs", "tests"} <= listed | {
        "consumer"
    }
    packages = {path.parent.name for path in ROOT.glob("consumer/*/__init__.py")}
    assert packages | {"__main__", "app", "doctor", "lifecycle", "settings"} <= {
        name.removeprefix("consumer/") for name in listed
    }


@pytest.mark.parametrize("name", PAGES)
def test_every_link_has_a_target(name: str) -> None:
    """On disk and in plain Markdown; `make docs` looks at the site."""
    folder = (ROOT / name).parent
    for path, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)]*)\)", read_page(name)):
        target = (folder / path).resolve() if path else ROOT / name
        assert target.exists(), (name, path)
        assert not anchor or anchor in anchors(target.read_text(encoding="utf-8")), (name, path, anchor)


def test_every_page_is_in_navigation_once() -> None:
    listed = re.findall(r"([\w/-]+\.md)$", read_page("mkdocs.yml").split("\nnav:")[1], re.MULTILINE)
    assert sorted(listed) == sorted(path.removeprefix("docs/") for path in PAGES if path.startswith("docs/"))


FILE = re.compile(r"`((?:consumer|messaging|schemas|producer_cli|devstack|benchmarks|tests)/[\w/.-]*)`")


@pytest.mark.parametrize("name", PAGES)
def test_named_files_exist(name: str) -> None:
    assert not [path for path in FILE.findall(read_page(name)) if not _exists(path)]


def _exists(path: str) -> bool:
    """A folder or file; in the list of packages a module has no suffix."""
    return (ROOT / path).exists() or (ROOT / f"{path}.py").exists()


QUESTION = re.compile(r"^(?:### (?=.*\?$)|(?=By )|(?=## ))", re.MULTILINE)


def test_each_question_is_answered_in_at_most_six_files() -> None:
    text = read_page("docs/architecture.md").split("## Five questions")[1].split("\n## ")[0]
    answers = [part for part in QUESTION.split(text) if "1. " in part]
    assert len(answers) == 6
    for answer in answers:
        assert 3 <= len({file for file in FILE.findall(answer) if file.endswith(".py")}) <= 6, answer


@pytest.mark.parametrize("decision", [path for path in PAGES if path.startswith("docs/decisions/")])
def test_decision_has_at_most_40_lines(decision: str) -> None:
    assert len(read_page(decision).splitlines()) <= 40


def test_paths_in_contributing_exist() -> None:
    paths = set(re.findall(r"`((?:consumer|messaging|schemas|tests)/[\w/.]+)`", read_page("CONTRIBUTING.md")))
    assert len(paths) > 15
    assert not [path for path in paths if not (ROOT / path).exists()]
