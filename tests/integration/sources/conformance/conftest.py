"""A place of each kind, made for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sources.conformance.source_kinds import READERS, SourceKind, kind_id
from tests.support.source_extractor import AttemptConfig
from tests.support.source_fixtures import SourceFixture


@pytest.fixture(params=READERS, ids=kind_id)
def kind(request: pytest.FixtureRequest) -> SourceKind:
    """Every reader, unless a test asks for some."""
    found: SourceKind = request.param
    return found


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def source_fixture(kind: SourceKind, inbox: Path, request: pytest.FixtureRequest) -> Iterator[SourceFixture]:
    """Only a database costs one."""
    made = kind.make_fixture(inbox, lambda: request.getfixturevalue("empty_database_url"))
    yield made
    made.close()


@pytest.fixture
def attempt_config(
    kind: SourceKind, source_fixture: SourceFixture, inbox: Path, tmp_path: Path
) -> AttemptConfig:
    """What children are told."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return AttemptConfig(source_fixture, inbox, scratch, {"low_memory": kind.low_memory})
