import os
import unicodedata
from pathlib import Path

import pytest

from producer_cli.errors import InvalidInputError
from producer_cli.source_arguments import (
    check_file,
    parse_columns,
    spreadsheet_id,
    spreadsheet_reference,
    upload_name,
)


def test_check_file_returns_size(tmp_path: Path) -> None:
    file = tmp_path / "chats.xlsx"
    file.write_bytes(b"12345")
    assert check_file(file) == 5


def test_error_says_why_file_cannot_be_sent(tmp_path: Path) -> None:
    empty, pipe = tmp_path / "empty.xlsx", tmp_path / "pipe"
    empty.touch()
    os.mkfifo(pipe)
    for file, words in (
        (tmp_path / "missing.xlsx", "There is no file"),
        (tmp_path, "is a folder"),
        (empty, "is empty"),
        (pipe, "not a regular file"),
        (empty / "below", "cannot be read"),
        (Path("nul\x00.xlsx"), "cannot be read"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            check_file(file)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file_is_rejected(tmp_path: Path) -> None:
    file = tmp_path / "secret.xlsx"
    file.write_bytes(b"1")
    file.chmod(0)
    with pytest.raises(InvalidInputError, match="may not be read"):
        check_file(file)


def test_upload_name_is_nfc() -> None:
    composed = "Чаты йё.xlsx"
    assert upload_name(Path("/some/where") / unicodedata.normalize("NFD", composed)) == composed


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("a\nb.xlsx", "a_b.xlsx"), (" chats.xlsx ", "chats.xlsx"), ("bad\udcff.xlsx", "bad_.xlsx"), (" ", "_")],
)
def test_unprintable_upload_name_is_cleaned(name: str, wanted: str) -> None:
    assert upload_name(Path(name)) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "1AbC_-9",
        " 1AbC_-9 ",
        "https://docs.google.com/spreadsheets/d/1AbC_-9/edit#gid=0",
        "https://docs.google.com/spreadsheets/d/1AbC_-9",
        "https://docs.google.com/spreadsheets/u/1/d/1AbC_-9/edit?usp=sharing",
        "https://docs.google.com/a/example.org/spreadsheets/d/1AbC_-9/edit",
    ],
)
def test_spreadsheet_id_is_parsed_from_id_or_link(text: str) -> None:
    assert spreadsheet_id(text) == "1AbC_-9"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://example.org/spreadsheets/d/1AbC/edit", "not a link of a Google spreadsheet"),
        ("https://docs.google.com/document/d/1AbC/edit", "not a link of a Google spreadsheet"),
        ("https://docs.google.com/spreadsheets/d/e/2PACX-1v/pubhtml", "published copy"),
    ],
)
def test_other_link_is_rejected(text: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        spreadsheet_id(text)


LINK = "https://docs.google.com/spreadsheets/d/1AbC/edit"


@pytest.mark.parametrize(
    ("text", "worksheet", "wanted"),
    [
        ("1AbC", None, "1AbC"),
        (LINK, None, "1AbC"),
        (f"{LINK}#gid=0", None, "1AbC"),
        (f"{LINK}?gid=77#gid=77", None, f"{LINK}#gid=77"),
        (f" {LINK}?gid=5&usp=sharing#gid=77 ", None, f"{LINK}#gid=77"),
        ("https://docs.google.com/spreadsheets/u/2/d/1AbC/edit?gid=77", None, f"{LINK}#gid=77"),
        (f"{LINK}#gid=77", "Чаты", "1AbC"),
    ],
)
def test_link_is_sent_only_if_it_selects_worksheet(text: str, worksheet: str | None, wanted: str) -> None:
    assert spreadsheet_reference(text, worksheet) == wanted


def test_columns_are_split_at_the_last_equal_sign() -> None:
    assert parse_columns(["Ссылка MAX=url", " ИНН = код = inn "]) == {"Ссылка MAX": "url", "ИНН = код": "inn"}
    assert parse_columns([]) == {}


@pytest.mark.parametrize("text", ["url", "=url", "Ссылка=", " = ", ""])
def test_incomplete_column_is_rejected(text: str) -> None:
    with pytest.raises(InvalidInputError, match="HEADER=FIELD"):
        parse_columns([text])


def test_header_given_twice_is_rejected() -> None:
    with pytest.raises(InvalidInputError, match="given before"):
        parse_columns(["MAX=url", "MAX=inn"])
