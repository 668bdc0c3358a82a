"""A file of the inbox becomes a private copy that nobody changes any more."""

import hashlib
import os
from pathlib import Path

import pytest

from consumer.datasets.base import ColumnSpec
from consumer.errors import SourceFileError, SourceTooLargeError, TransientError, UnresolvableRequestError
from consumer.sources import file_fetch
from consumer.sources.base import SourceConfig
from consumer.sources.file_fetch import fetch_file
from consumer.sources.registry import open_source


@pytest.fixture
def source_config(tmp_path: Path) -> SourceConfig:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "scratch").mkdir()
    return SourceConfig(ColumnSpec({}, ()), 100, tmp_path / "scratch", tmp_path / "inbox", 1 << 20, {})


def test_the_copy_has_the_digest_of_what_was_read(source_config: SourceConfig) -> None:
    content = os.urandom(300_000)
    (source_config.inbox / "chats.xlsx").write_bytes(content)
    found = fetch_file({"path": "chats.xlsx"}, source_config)
    (source_config.inbox / "chats.xlsx").write_bytes(b"another")
    assert found.path.parent == source_config.temp_dir
    assert found.path.read_bytes() == content
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_larger_than_it_may_be_unpacked_is_refused(source_config: SourceConfig) -> None:
    with (source_config.inbox / "big").open("wb") as file:
        file.truncate(source_config.max_inflated_bytes + 1)
    with pytest.raises(SourceTooLargeError):
        fetch_file({"path": "big"}, source_config)


def test_a_file_written_while_it_is_copied_is_read_later(
    source_config: SourceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = source_config.inbox / "chats.xlsx"
    path.write_bytes(b"half")
    copy = file_fetch._copy

    def copy_beside_a_writer(*args: object) -> str:
        digest: str = copy(*args)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(b"more")
        return digest

    monkeypatch.setattr(file_fetch, "_copy", copy_beside_a_writer)
    with pytest.raises(TransientError) as caught:
        fetch_file({"path": "chats.xlsx"}, source_config)
    assert caught.value.code == "source_changed"


def test_a_file_that_grows_while_it_is_copied_is_copied_to_the_size_seen_first(
    source_config: SourceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer as quick as the copy would fill the disk, whatever the limit is."""
    path = source_config.inbox / "chats.xlsx"
    path.write_bytes(bytes(1000))
    monkeypatch.setattr(file_fetch, "COPY_BYTES", 100)
    copied = source_config.temp_dir / "source"
    sha256 = hashlib.sha256

    class Growing:
        """A digest that has the file grow with each piece."""

        def __init__(self) -> None:
            self._digest = sha256()

        def update(self, part: bytes) -> None:
            assert path.stat().st_size < 10_000, "copied without an end"
            with path.open("ab") as file:
                file.write(part)
            self._digest.update(part)

        def hexdigest(self) -> str:
            return self._digest.hexdigest()

    monkeypatch.setattr(hashlib, "sha256", Growing)
    with pytest.raises(TransientError) as caught:
        fetch_file({"path": "chats.xlsx"}, source_config)
    assert caught.value.code == "source_changed"
    assert copied.stat().st_size == 1000


def test_a_missing_file_says_so(source_config: SourceConfig) -> None:
    with pytest.raises(SourceFileError) as caught:
        fetch_file({"path": "none.xlsx"}, source_config)
    assert caught.value.code == "file_not_found"


def test_sources_of_unknown_type_are_refused(source_config: SourceConfig) -> None:
    with pytest.raises(UnresolvableRequestError) as caught:
        open_source({"type": "carrier_pigeon"}, source_config)
    assert caught.value.code == "unsupported_source"
