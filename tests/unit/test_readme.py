"""What the README shows is what the code does: states, settings, commands, the HTTP side, folders."""

import re
from pathlib import Path

from consumer.lifecycle import EDGES
from consumer.settings import Settings
from tests.support.pages import ROOT, anchors, names, page, rows, section

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^    (\[\*\]|\w+) --> (\w+) : (.+)$", re.MULTILINE)


def test_the_picture_of_states_has_the_edges_of_the_lifecycle() -> None:
    drawn = {(name, None if left == "[*]" else left, right) for left, right, name in ARROW.findall(README)}
    assert drawn == {(name, left and str(left), str(right)) for name, left, right in EDGES}


def test_every_setting_is_told_and_none_that_is_not_there() -> None:
    table = page("docs/configuration.md").split("## Who may")[0]
    told = set(re.findall(r"`((?:KAFKA|MIGRATION|DATABASE)_[A-Z_]+)`", table)) - {"DATABASE_URL_FILE"}
    assert told == {name.upper() for name in Settings.model_fields}


def test_every_make_target_it_names_is_there() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^make (\w+)", README, re.MULTILINE)) | set(re.findall(r"`make (\w+)`", README))
    assert named
    assert not [target for target in named if f"\n{target}:" not in makefile]


def test_every_folder_has_its_place_in_the_list() -> None:
    listed = {name.strip("/") for cell, _ in rows(section(README, "Developing")) for name in names(cell)}
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"docs", "tests"} <= listed | {
        "consumer"
    }
    rooms = {path.parent.name for path in ROOT.glob("consumer/*/__init__.py")}
    assert rooms | {"__main__", "app", "doctor", "lifecycle", "settings"} <= {
        name.removeprefix("consumer/") for name in listed
    }


def test_every_link_to_another_page_leads_somewhere() -> None:
    for place, anchor in re.findall(r"\]\((docs/\w+\.md)#?([^)]*)\)", README):
        assert not anchor or anchor in anchors(page(place)), (place, anchor)


def test_every_bound_is_where_the_page_for_contributors_says() -> None:
    places = set(re.findall(r"`((?:consumer|messaging|schemas|tests)/[\w/.]+)`", page("CONTRIBUTING.md")))
    assert len(places) > 15
    assert not [place for place in places if not (ROOT / place).exists()]
