"""Parses ids and links of spreadsheets."""

import pytest

from consumer.errors import UnresolvableRequestError
from consumer.sources.google_sheets.link import SpreadsheetLink, parse_link

EDIT = "https://docs.google.com/spreadsheets/d/1AbC_-9/edit"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1AbC_-9", SpreadsheetLink("1AbC_-9")),
        ("  1AbC_-9\n", SpreadsheetLink("1AbC_-9")),
        (EDIT, SpreadsheetLink("1AbC_-9")),
        ("https://docs.google.com/spreadsheets/d/1AbC_-9", SpreadsheetLink("1AbC_-9")),
        ("https://docs.google.com/spreadsheets/d/1AbC_-9?usp=sharing", SpreadsheetLink("1AbC_-9")),
        ("https://docs.google.com/spreadsheets/u/0/d/1AbC_-9/edit", SpreadsheetLink("1AbC_-9")),
        ("https://docs.google.com/a/example.org/spreadsheets/d/1AbC_-9/edit", SpreadsheetLink("1AbC_-9")),
        (f"{EDIT}#gid=0", SpreadsheetLink("1AbC_-9", 0)),
        (f"{EDIT}#gid=1234567890", SpreadsheetLink("1AbC_-9", 1234567890)),
        (f"{EDIT}?gid=77#gid=77", SpreadsheetLink("1AbC_-9", 77)),
        (f"{EDIT}?usp=sharing&gid=77", SpreadsheetLink("1AbC_-9", 77)),
        (f"{EDIT}?gid=1#gid=77", SpreadsheetLink("1AbC_-9", 77)),
        (f"{EDIT}#gid=77&range=A1:B2", SpreadsheetLink("1AbC_-9", 77)),
    ],
)
def test_ids_and_links(text: str, wanted: SpreadsheetLink) -> None:
    assert parse_link(text) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("https://docs.google.com/spreadsheets/d/e/2PACX-1v/pubhtml", "published copy"),
        ("https://docs.google.com/spreadsheets/d/e/2PACX-1v/pub?gid=0&single=true&output=csv", "published"),
        ("https://docs.google.com/document/d/1AbC/edit", "neither the id"),
        ("https://example.org/spreadsheets/d/1AbC/edit", "neither the id"),
        ("https://docs.google.com.example.org/spreadsheets/d/1AbC", "neither the id"),
        ("https://docs.google.com/spreadsheets/d/1AbC%2F../x", "neither the id"),
        ("../../v1/files", "neither the id"),
        ("1AbC/values/A1", "neither the id"),
        ("1AbC?x=1", "neither the id"),
        ("Таблица", "neither the id"),
        ("", "neither the id"),
    ],
)
def test_invalid_link_is_rejected_with_advice(text: str, words: str) -> None:
    with pytest.raises(UnresolvableRequestError, match=words) as caught:
        parse_link(text)
    assert caught.value.code == "source_unreadable"
    assert "address bar" in caught.value.message
