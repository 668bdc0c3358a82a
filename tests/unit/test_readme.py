"""What the README shows is what the code does: states, settings, commands, the HTTP side, folders."""

import re
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI

from consumer.lifecycle import EDGES
from consumer.settings import Settings
from consumer.store.database import Database
from tests.support.http_app import make_reading_app
from tests.support.pages import ROOT, anchors, names, page, rows, section

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ARROW = re.compile(r"^    (\[\*\]|\w+) --> (\w+) : (.+)$", re.MULTILINE)


def _app() -> FastAPI:
    """The HTTP side for its documentation: nothing is asked of it."""
    return make_reading_app(cast("Database", None))


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


def test_every_address_of_the_http_side_is_told_with_what_may_be_asked_for() -> None:
    app = _app()
    there = {
        (verb.upper(), path.replace("{name}", "{id}"), tuple(_asked(about)))
        for path, verbs in app.openapi()["paths"].items()
        for verb, about in verbs.items()
    }
    told = set()
    for address, _ in rows(section(README, "Following it")):
        for name in names(address):
            verb, path, asked = re.fullmatch(r"([A-Z]+) ([^?]+)\??(.*)", name).groups()  # type: ignore[union-attr]
            told.add((verb, path, tuple(asked.split("&")) if asked else ()))
    pages = {("GET", path, ()) for path in ("/docs", "/redoc", "/asyncapi")}
    assert told - pages == there
    assert pages <= told
    assert f"`{app.openapi_url}`" in section(README, "Following it")


def test_the_limits_of_a_page_are_those_of_the_http_side() -> None:
    app = _app()
    told = {names(cell)[0].split("?")[0]: does for cell, does in rows(section(README, "Following it"))}
    for path, verbs in app.openapi()["paths"].items():
        if limit := _asked(verbs["get"]).get("limit"):
            does = told[f"GET {path.replace('{name}', '{id}')}"]
            assert f"`limit` {limit['default']}, at most {limit['maximum']:,}" in does


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


def _asked(about: dict[str, Any]) -> dict[str, Any]:
    """What may stand behind the question mark: name → its schema."""
    asked = [one for one in about.get("parameters", []) if one["in"] == "query"]
    return {one["name"]: one["schema"] for one in asked}
