import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from schemas.file_names import clean_file_name, printable_name
from schemas.names import LongName


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("chats.xlsx", "chats.xlsx"),
        ("чаты 1.xlsx", "чаты 1.xlsx"),
        (unicodedata.normalize("NFD", "Чаты йё.xlsx"), "Чаты йё.xlsx"),
        (r"C:\Users\Иванова\чаты.xlsx", "чаты.xlsx"),
        ("/home/ivanova/chats.xlsx", "chats.xlsx"),
        ("../../etc/passwd", "passwd"),
        (r"mixed/and\matched.xlsx", "matched.xlsx"),
        (" \t chats.xlsx\r\n", "chats.xlsx"),
        ("\x00chats\x00.xlsx\x00", "chats_.xlsx"),
        ("a\nb.xlsx", "a_b.xlsx"),
        ("no\N{NO-BREAK SPACE}break.xlsx", "no break.xlsx"),
        ("\N{RIGHT-TO-LEFT OVERRIDE}xslx.exe", "xslx.exe"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}xslx.exe", "a_xslx.exe"),
        ("bad\udcff.xlsx", "bad_.xlsx"),
        ("x" * 2_000, "x" * 1_000),
        ("x" * 999 + " y", "x" * 999),
        (".hidden", ".hidden"),
        ("-", "-"),
    ],
)
def test_client_file_name_is_cleaned(raw: str, name: str) -> None:
    assert clean_file_name(raw) == name


@pytest.mark.parametrize("raw", ["", " ", "/", "folder/", "folder\\", ".", "..", "a/..", "\x00\n", "\u200b"])
def test_name_without_visible_part_is_rejected(raw: str) -> None:
    with pytest.raises(ValueError, match="no name that can be shown"):
        clean_file_name(raw)


@given(st.text(st.characters(codec=None, categories=None), max_size=1_200))
@example("\u0344" * 600)
@example("\u1160 \u0301")
def test_any_printable_name_satisfies_message_model(raw: str) -> None:
    name = printable_name(raw)
    assert not name or TypeAdapter[str](LongName).validate_python(name) == name
