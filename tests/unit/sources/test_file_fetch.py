"""A file of the inbox is copied to a private file."""

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


def test_digest_is_of_the_copied_bytes(source_config: SourceConfig) -> None:
    content = os.urandom(300_000)
    (source_config.inbox / "chats.xlsx").write_bytes(content)
    found = fetch_file({"path": "chats.xlsx"}, source_config)
    (source_config.inbox / "chats.xlsx").write_bytes(b"another")
    assert found.path.parent == source_config.temp_dir
    assert found.path.read_bytes() == content
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_file_over_the_size_limit_is_rejected(source_config: SourceConfig) -> None:
    with (source_config.inbox / "big").open("wb") as file:
        file.truncate(source_config.max_inflated_bytes + 1)
    with pytest.raises(SourceTooLargeError):
        fetch_file({"path": "big"}, source_config)


def test_file_changed_while_copied_is_transient(
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


def test_growing_file_is_copied_up_to_its_first_size(
    source_config: SourceConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer as fast as the copy would fill the disk, despite the size limit."""
    path = source_config.inbox / "chats.xlsx"
    path.write_bytes(bytes(1000))
    monkeypatch.setattr(file_fetch, "COPY_BYTES", 100)
    copied = source_config.temp_dir / "source"
    sha256 = hashlib.sha256

    class Growing:
        """A digest that makes the file grow with each piece."""

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


def test_missing_file_is_an_error(source_config: SourceConfig) -> None:
    with pytest.raises(SourceFileError) as caught:
        fetch_file({"path": "none.xlsx"}, source_config)
    assert caught.value.code == "file_not_found"


def test_unknown_source_type_is_rejected(source_config: SourceConfig) -> None:
    with pytest.raises(UnresolvableRequestError) as caught:
        open_source({"type": "carrier_pigeon"}, source_config)
    assert caught.value.code == "unsupported_source"
