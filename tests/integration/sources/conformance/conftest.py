"""One fixture of each kind of source."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sources.conformance.source_kinds import READERS, SourceKind, kind_id
from tests.support.source_extractor import AttemptConfig
from tests.support.source_fixtures import SourceFixture


@pytest.fixture(params=READERS, ids=kind_id)
def kind(request: pytest.FixtureRequest) -> SourceKind:
    """All readers, unless a test is parametrised with some."""
    found: SourceKind = request.param
    return found


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def source_fixture(kind: SourceKind, inbox: Path, request: pytest.FixtureRequest) -> Iterator[SourceFixture]:
    """The DSN of a database, created only for kinds that need one."""
    made = kind.make_fixture(inbox, lambda: request.getfixturevalue("empty_database_url"))
    yield made
    made.close()


@pytest.fixture
def attempt_config(
    kind: SourceKind, source_fixture: SourceFixture, inbox: Path, tmp_path: Path
) -> AttemptConfig:
    """The parameters of every attempt."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    return AttemptConfig(source_fixture, inbox, scratch, {"low_memory": kind.low_memory})
