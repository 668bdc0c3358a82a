"""A file of the inbox becomes a private copy that nobody changes any more."""

import hashlib
import os
from pathlib import Path

import pytest

from consumer.datasets.base import Fields
from consumer.errors import FileProblem, RequestRefused, SourceTooLarge, TransientError
from consumer.sources import files
from consumer.sources.base import Reading
from consumer.sources.files import fetch
from consumer.sources.find import open_source


@pytest.fixture
def reading(tmp_path: Path) -> Reading:
    (tmp_path / "inbox").mkdir()
    (tmp_path / "scratch").mkdir()
    return Reading(Fields({}, ()), 100, tmp_path / "scratch", tmp_path / "inbox", 1 << 20, {})


def test_the_copy_has_the_digest_of_what_was_read(reading: Reading) -> None:
    content = os.urandom(300_000)
    (reading.inbox / "chats.xlsx").write_bytes(content)
    found = fetch({"path": "chats.xlsx"}, reading)
    (reading.inbox / "chats.xlsx").write_bytes(b"another")
    assert found.path.parent == reading.scratch
    assert found.path.read_bytes() == content
    assert found.sha256 == hashlib.sha256(content).hexdigest()


def test_a_file_larger_than_it_may_be_unpacked_is_refused(reading: Reading) -> None:
    with (reading.inbox / "big").open("wb") as file:
        file.truncate(reading.max_inflated_bytes + 1)
    with pytest.raises(SourceTooLarge):
        fetch({"path": "big"}, reading)


def test_a_file_written_while_it_is_copied_is_read_later(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = reading.inbox / "chats.xlsx"
    path.write_bytes(b"half")
    copy = files._copy

    def copy_beside_a_writer(*args: object) -> str:
        digest: str = copy(*args)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(b"more")
        return digest

    monkeypatch.setattr(files, "_copy", copy_beside_a_writer)
    with pytest.raises(TransientError) as caught:
        fetch({"path": "chats.xlsx"}, reading)
    assert caught.value.code == "source_changed"


def test_a_file_that_grows_while_it_is_copied_is_copied_to_the_size_seen_first(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer as quick as the copy would fill the disk, whatever the limit is."""
    path = reading.inbox / "chats.xlsx"
    path.write_bytes(bytes(1000))
    monkeypatch.setattr(files, "COPY_BYTES", 100)
    copied = reading.scratch / "source"
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
        fetch({"path": "chats.xlsx"}, reading)
    assert caught.value.code == "source_changed"
    assert copied.stat().st_size == 1000


def test_a_missing_file_says_so(reading: Reading) -> None:
    with pytest.raises(FileProblem) as caught:
        fetch({"path": "none.xlsx"}, reading)
    assert caught.value.code == "file_not_found"


def test_sources_of_unknown_type_are_refused(reading: Reading) -> None:
    with pytest.raises(RequestRefused) as caught:
        open_source({"type": "carrier_pigeon"}, reading)
    assert caught.value.code == "unsupported_source"
