"""No path and no link leads out of the inbox."""

import os
import socket
from pathlib import Path

import pytest

from consumer.errors import MigrationError
from consumer.sources.inbox import open_beneath


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "2026" / "11").mkdir(parents=True)
    (folder / "chats.xlsx").write_text("top")
    (folder / "2026" / "chats.xlsx").write_text("below")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "inbox-too").mkdir()
    (tmp_path / "inbox-too" / "chats.xlsx").write_text("secret")
    return folder


def content(inbox: Path, path: str) -> str:
    with os.fdopen(open_beneath(inbox, path)) as file:
        return file.read()


def code_of(inbox: Path, path: str) -> str:
    with pytest.raises(MigrationError) as caught:
        open_beneath(inbox, path)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("chats.xlsx", "top"),
        ("./chats.xlsx", "top"),
        ("2026/chats.xlsx", "below"),
        ("2026//chats.xlsx", "below"),
        ("2026/./chats.xlsx", "below"),
    ],
)
def test_file_in_the_inbox_is_opened(inbox: Path, path: str, expected: str) -> None:
    assert content(inbox, path) == expected


@pytest.mark.parametrize(
    "path", ["../secret", "2026/../../secret", "2026/../chats.xlsx", "..", "/etc/passwd", "//x", "a\0b"]
)
def test_paths_out_of_the_inbox_are_rejected(inbox: Path, path: str) -> None:
    assert code_of(inbox, path) == "file_outside_inbox"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("../secret", "link"),
        ("2026/../../secret", "link"),
        ("2026/11/../../../secret", "link"),
        ("..", "link/secret"),
        ("../inbox-too", "link/chats.xlsx"),
        ("/etc", "link/passwd"),
        ("/etc/passwd", "link"),
        ("link", "link"),
    ],
)
def test_links_out_of_the_inbox_are_rejected(inbox: Path, target: str, path: str) -> None:
    (inbox / "link").symlink_to(target)
    assert code_of(inbox, path) == "file_outside_inbox"


def test_links_within_the_inbox_are_followed(inbox: Path) -> None:
    (inbox / "latest.xlsx").symlink_to("2026/chats.xlsx")
    (inbox / "2026" / "up").symlink_to("../2026/11")
    (inbox / "2026" / "11" / "back.xlsx").symlink_to("../../chats.xlsx")
    (inbox / "again").symlink_to("latest.xlsx")
    assert content(inbox, "latest.xlsx") == "below"
    assert content(inbox, "again") == "below"
    assert content(inbox, "2026/up/back.xlsx") == "top"


def test_inbox_may_be_a_link(inbox: Path) -> None:
    (inbox.parent / "in").symlink_to(inbox)
    assert content(inbox.parent / "in", "chats.xlsx") == "top"


@pytest.mark.parametrize("path", ["none.xlsx", "2027/chats.xlsx", "chats.xlsx/more", "x" * 300])
def test_missing_file_is_not_found(inbox: Path, path: str) -> None:
    assert code_of(inbox, path) == "file_not_found"


def test_dangling_link_is_not_found(inbox: Path) -> None:
    (inbox / "link").symlink_to("nowhere.xlsx")
    assert code_of(inbox, "link") == "file_not_found"


def test_folders_pipes_and_sockets_are_rejected(inbox: Path) -> None:
    os.mkfifo(inbox / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(inbox / "socket"))
        assert code_of(inbox, "socket") == "file_unreadable"
    assert code_of(inbox, "pipe") == "file_unreadable"
    assert code_of(inbox, "2026") == "file_unreadable"
    assert code_of(inbox, "2026/") == "file_unreadable"
    assert code_of(inbox, ".") == "file_unreadable"


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="descriptors are counted in /proc")
def test_descriptors_do_not_leak(inbox: Path) -> None:
    before = open_descriptors()
    for path in ("none", "../x", "2026", "2026/11/x"):
        code_of(inbox, path)
    after = open_descriptors()
    assert before == after


def _put(folder: Path, name: str, text: str = "found") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("folder", "name", "path"),
    [
        ("", "Чаты\u00a02026.xlsx", "Чаты 2026.xlsx"),
        ("", "Чаты\u202f2026.xlsx", "Чаты 2026.xlsx"),
        ("", "Чаты 2026.xlsx", "Чаты\u00a02026.xlsx"),
        ("", "Чаты\u00a02026.xlsx", "Чаты\u00a02026.xlsx"),
        ("", "Й\u00a0ё.xlsx", "И\u0306 е\u0308.xlsx"),
        ("", "И\u0306 е\u0308.xlsx", "Й ё.xlsx"),
        ("", "\u200bchats\ufeff2.xlsx", "chats2.xlsx"),
        ("", "chats2.xlsx\u00a0", "chats2.xlsx"),
        ("Выгрузка\u00a0Й/a", "Чаты\u00a02.xlsx", "Выгрузка И\u0306/a/Чаты 2.xlsx"),
    ],
)
def test_name_that_looks_the_same_is_found(inbox: Path, folder: str, name: str, path: str) -> None:
    _put(inbox / folder, name)
    assert content(inbox, path) == "found"


def test_exact_name_takes_precedence(inbox: Path) -> None:
    _put(inbox, "a b.xlsx", "space")
    _put(inbox, "a\u00a0b.xlsx", "no-break")
    assert content(inbox, "a b.xlsx") == "space"
    assert content(inbox, "a\u00a0b.xlsx") == "no-break"


def test_error_lists_names_that_look_the_same(inbox: Path) -> None:
    _put(inbox, "a\u202fb.xlsx")
    _put(inbox, "a\u00a0b.xlsx")
    with pytest.raises(MigrationError) as caught:
        open_beneath(inbox, "a b.xlsx")
    assert caught.value.code == "file_not_found"
    assert "«a\\u00a0b.xlsx», «a\\u202fb.xlsx»" in caught.value.message


@pytest.mark.parametrize("path", ["A B.xlsx", "a  b.xlsx", "ab.xlsx", "a b.xls"])
def test_other_names_do_not_match(inbox: Path, path: str) -> None:
    _put(inbox, "a\u00a0b.xlsx")
    assert code_of(inbox, path) == "file_not_found"


def test_link_that_looks_the_same_stays_in_the_inbox(inbox: Path) -> None:
    (inbox / "out\u00a0side").symlink_to(inbox.parent / "secret")
    assert code_of(inbox, "out side") == "file_outside_inbox"
