"""What the README shows is what the code does: states, settings, commands."""

import re
from pathlib import Path

from consumer.lifecycle import EDGES
from consumer.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^    (\[\*\]|\w+) --> (\w+) : (.+)$", re.MULTILINE)


def test_the_picture_of_states_has_the_edges_of_the_lifecycle() -> None:
    drawn = {(name, None if left == "[*]" else left, right) for left, right, name in ARROW.findall(README)}
    assert drawn == {(name, left and str(left), str(right)) for name, left, right in EDGES}


def test_every_setting_is_told_and_none_that_is_not_there() -> None:
    table = README.split("## Settings")[1].split("## Running it")[0]
    told = set(re.findall(r"`((?:KAFKA|MIGRATION|DATABASE)_[A-Z_]+)`", table))
    assert told == {name.upper() for name in Settings.model_fields}


def test_every_make_target_it_names_is_there() -> None:
    makefile = (Path(__file__).parents[2] / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^make (\w+)", README, re.MULTILINE)) | set(re.findall(r"`make (\w+)`", README))
    assert named
    assert not [target for target in named if f"\n{target}:" not in makefile]
