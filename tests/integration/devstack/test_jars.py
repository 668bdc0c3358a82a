"""The class path has only pinned jars, and cached jars are not downloaded again."""

import hashlib
from pathlib import Path

import pytest

from devstack import jars
from devstack.errors import StackError
from devstack.jars import Jar

CONTENT = b"not really a jar"


def _jar(content: bytes) -> Jar:
    return Jar("test.nowhere", "pump", "1.0", hashlib.sha256(content).hexdigest())


def test_cached_pinned_jar_is_not_downloaded(tmp_path: Path) -> None:
    (tmp_path / "pump-1.0.jar").write_bytes(CONTENT)
    assert jars.class_path(tmp_path, [_jar(CONTENT)]) == str(tmp_path / "pump-1.0.jar")


def test_jar_with_wrong_hash_is_rejected_by_name(tmp_path: Path) -> None:
    (tmp_path / "pump-1.0.jar").write_bytes(CONTENT + b", and something else")
    with pytest.raises(StackError, match=r"pump-1\.0\.jar is not the pinned one .*: remove it"):
        jars.class_path(tmp_path, [_jar(CONTENT)])


def test_failed_download_names_jar_and_other_stacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(
        StackError, match=r"pump-1\.0\.jar .* could not be fetched .*--stack docker or external"
    ):
        jars.class_path(tmp_path, [_jar(CONTENT)])
    assert not list(tmp_path.glob("*.jar"))


def test_every_jar_is_pinned_once() -> None:
    names = [jar.name for jar in jars.locked_jars()]
    assert len(names) == len(set(names)) > 40
    assert f"kafka-clients-{jars.KAFKA_VERSION}.jar" in names


def test_cache_follows_xdg_cache_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert jars.cache_folder().is_relative_to(tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert jars.cache_folder().is_relative_to(Path.home() / ".cache")
