"""A place of each kind, made for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sources.conformance.kinds import READERS, Kind, name_of
from tests.support.places import Place
from tests.support.source_child import Start


@pytest.fixture(params=READERS, ids=name_of)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Every reader, unless a test asks for some."""
    found: Kind = request.param
    return found


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def place(kind: Kind, inbox: Path, request: pytest.FixtureRequest) -> Iterator[Place]:
    """Only a database costs one."""
    made = kind.place(inbox, lambda: request.getfixturevalue("fresh_database"))
    yield made
    made.close()


@pytest.fixture
def start(kind: Kind, place: Place, inbox: Path, tmp_path: Path) -> Start:
    """What children are told."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return Start(place, inbox, scratch, {"frugal": kind.frugal})
