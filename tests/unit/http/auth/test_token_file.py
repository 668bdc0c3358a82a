"""The tokens file is read again after every kind of change, and an invalid file accepts no token."""

import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from consumer.http.auth.token_file import MAX_BYTES, TokenFile, TokensUnreadableError
from consumer.http.auth.tokens import Right, issue_token

READ = frozenset({Right.READ})
LONG_AGO = 1_000_000_000


def _set_age(path: Path, age: int = 0) -> None:
    os.utime(path, (LONG_AGO + age, LONG_AGO + age))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


@pytest.fixture
def token(path: Path) -> str:
    """The only token of the file, whose time stamp is years old."""
    text, lines = issue_token("ivanova", READ)
    path.write_text(lines)
    _set_age(path)
    return text


def _is_known(file: TokenFile, text: str) -> bool:
    return file.current().find(text) is not None


def test_token_appended_to_the_file_is_accepted_at_once(path: Path, token: str) -> None:
    file = TokenFile.open(path)
    other, lines = issue_token("cron", READ)
    assert not _is_known(file, other)
    with path.open("a") as out:
        out.write(lines)
    assert _is_known(file, other)
    assert _is_known(file, token)


def test_token_removed_by_replacing_the_file_is_rejected_at_once(path: Path, token: str) -> None:
    file = TokenFile.open(path)
    assert _is_known(file, token)
    new_file = path.with_suffix(".new")
    new_file.write_text(issue_token("cron", READ)[1] + "#" * 10)
    new_file.replace(path)
    assert not _is_known(file, token)


def test_retargeted_symlink_is_followed(tmp_path: Path) -> None:
    """As in Kubernetes: the file is a link into `..data`, itself a link that is replaced by a rename."""
    texts = []
    for number in (1, 2):
        text, lines = issue_token("ivanova", READ)
        (tmp_path / f"v{number}").mkdir()
        (tmp_path / f"v{number}" / "tokens.toml").write_text(lines)
        _set_age(tmp_path / f"v{number}" / "tokens.toml")  # same size, same time: only the inode differs
        texts.append(text)
    (tmp_path / "..data").symlink_to("v1")
    (tmp_path / "tokens.toml").symlink_to("..data/tokens.toml")
    file = TokenFile.open(tmp_path / "tokens.toml")
    assert [_is_known(file, text) for text in texts] == [True, False]
    (tmp_path / "..next").symlink_to("v2")
    (tmp_path / "..next").replace(tmp_path / "..data")
    assert [_is_known(file, text) for text in texts] == [False, True]


def test_change_within_mtime_granularity_is_detected(path: Path) -> None:
    """Same inode, size and time stamp: the time stamp is too recent to be relied on."""
    first, first_lines = issue_token("ivanova", READ)
    second, second_lines = issue_token("ivanova", READ)
    path.write_text(first_lines)
    _set_age(path)
    file = TokenFile(path, clock=lambda: LONG_AGO + 0.5)
    assert _is_known(file, first)
    path.write_text(second_lines)
    _set_age(path)
    assert [_is_known(file, first), _is_known(file, second)] == [False, True]


def test_unchanged_file_is_not_read_again(path: Path, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = TokenFile.open(path)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("the file was opened again"))
    assert _is_known(file, token)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[ivanova", "tokens.toml is not TOML"),
        (b"", "tokens.toml names no token"),
        (b"\xff", "tokens.toml is not UTF-8"),
        (b"#" * (MAX_BYTES + 1), r"tokens.toml is larger than 1,048,576 bytes"),
    ],
)
def test_invalid_file_fails_closed_and_is_logged_once(
    path: Path, token: str, content: bytes, sentence: str
) -> None:
    file = TokenFile.open(path)
    valid_content = path.read_bytes()
    path.write_bytes(content)
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(TokensUnreadableError, match=f"MIGRATION_HTTP_TOKENS_FILE: .*{sentence}"):
                file.current()
    assert [line["event"] for line in logs] == ["tokens.unreadable"]
    path.write_bytes(valid_content)
    with capture_logs() as logs:
        assert _is_known(file, token)
        assert _is_known(file, token)
    assert [(line["event"], line["names"]) for line in logs] == [("tokens.loaded", ["ivanova"])]


def test_missing_file_fails_closed_until_it_is_back(path: Path, token: str) -> None:
    file = TokenFile.open(path)
    moved = path.rename(path.with_suffix(".aside"))
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(TokensUnreadableError, match="No such file or directory"):
                file.current()
    assert len(logs) == 1
    moved.rename(path)
    assert _is_known(file, token)


def test_pipe_or_folder_is_rejected_without_blocking(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(TokensUnreadableError, match="not a regular file"):
            TokenFile.open(path)


def test_log_contains_neither_tokens_nor_hashes(path: Path, token: str) -> None:
    with capture_logs() as logs:
        file = TokenFile.open(path)
        path.write_text(f'[a]\nsha256 = "{token}"\nrights = []\n')
        with pytest.raises(TokensUnreadableError):
            file.current()
    assert len(logs) == 2
    assert token not in str(logs)
