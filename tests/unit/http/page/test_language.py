"""The language of the page by cookie and Accept-Language."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.page.language import Language, choose_language

EN, RU = Language.EN, Language.RU


@pytest.mark.parametrize(
    ("accept_language", "chosen"),
    [
        (None, EN),
        ("", EN),
        ("ru", RU),
        ("RU", RU),
        ("ru-RU", RU),
        ("ru-Cyrl-RU", RU),
        ("en-GB", EN),
        ("ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", RU),
        ("en-US,en;q=0.9,ru;q=0.8", EN),
        ("en;q=0.8, ru;q=0.9", RU),
        ("ru ; Q=0.5 , en ; q=0.6", EN),
        ("ru;q=1.000, en;q=0.999", RU),
        ("ru, en", RU),
        ("en, ru", EN),
        ("de, fr;q=0.9, ru;q=0.1", RU),
        ("de", EN),
        ("*", EN),
        ("de, *;q=0.5", EN),
        ("ru;q=0.4, *;q=0.5", EN),
        ("ru;q=0.6, *;q=0.5", RU),
        ("en;q=0, *", RU),
        ("en;q=0, ru;q=0", EN),
        ("ru;q=0", EN),
        ("ru;q=0, ru-RU;q=0.5", RU),
        ("run", EN),
    ],
)
def test_the_language_with_the_highest_weight_is_chosen(
    accept_language: str | None, chosen: Language
) -> None:
    assert choose_language(None, accept_language) is chosen


@pytest.mark.parametrize("element", ["ru;q=2", "ru;q=", "ru;q=-1", "ru;q=1.001", "ru;q=nan", "ru q=1", "ру"])
def test_a_malformed_element_is_ignored(element: str) -> None:
    assert choose_language(None, element) is EN
    assert choose_language(None, f"{element}, ,;, ru;q=0.1") is RU


@pytest.mark.parametrize(
    ("cookie", "chosen"), [("en", EN), ("ru", RU), (None, RU), ("", RU), ("de", RU), ("EN", RU)]
)
def test_a_known_cookie_wins_over_the_header(cookie: str | None, chosen: Language) -> None:
    assert choose_language(cookie, "ru") is chosen


@given(st.none() | st.text(), st.none() | st.text() | st.text("ru-en*;,q=.01 \t"))
def test_no_text_raises(cookie: str | None, accept_language: str | None) -> None:
    assert choose_language(cookie, accept_language) in Language
