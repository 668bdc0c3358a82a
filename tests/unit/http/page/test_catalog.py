"""Looking up texts: placeholders, plural forms, HTML."""

import pytest
from babel import Locale

from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import Texts, load_texts, to_html, to_sentence

ROWS = {"one": "{n} строка", "few": "{n} строки", "many": "{n} строк", "other": "{n} строки"}
RUSSIAN = Texts(Language.RU, {"greeting": "Привет, {name}!", "rows": ROWS, "of": "{n} из {total}"})
ENGLISH = Texts(Language.EN, {"rows": {"one": "{n} row", "other": "{n} rows"}})


@pytest.mark.parametrize(
    ("n", "russian", "english"),
    [
        (0, "0 строк", "0 rows"),
        (1, "1 строка", "1 row"),
        (2, "2 строки", "2 rows"),
        (5, "5 строк", "5 rows"),
        (11, "11 строк", "11 rows"),
        (21, "21 строка", "21 rows"),
        (22, "22 строки", "22 rows"),
        (25, "25 строк", "25 rows"),
        (101, "101 строка", "101 rows"),
        (111, "111 строк", "111 rows"),
        (155_000, "155\u00a0000 строк", "155,000 rows"),
        (2.5, "2,5 строки", "2.5 rows"),
    ],
)
def test_plural_forms_and_numbers_are_those_of_the_language(n: float, russian: str, english: str) -> None:
    assert (RUSSIAN("rows", n=n), ENGLISH("rows", n=n)) == (russian, english)


def test_placeholders_are_filled_in_with_plain_text() -> None:
    assert RUSSIAN("greeting", name="<b>{n}</b>") == "Привет, <b>{n}</b>!"
    assert RUSSIAN("of", n=1000, total=2000) == "1\u00a0000 из 2000"


@pytest.mark.parametrize(
    ("key", "values", "named"),
    [
        ("farewell", {}, "farewell"),
        ("greeting", {}, "greeting: no value for {name}"),
        ("rows", {}, "rows: no value for {n}"),
        ("of", {"n": 1}, "of: no value for {total}"),
    ],
)
def test_a_missing_key_or_placeholder_raises(key: str, values: dict[str, int], named: str) -> None:
    with pytest.raises(KeyError) as raised:
        RUSSIAN(key, **values)
    assert raised.value.args == (named,)


def test_a_section_is_no_text() -> None:
    texts = load_texts(Language.EN)
    assert "ui.jobs.title" in texts
    assert "ui.jobs" not in texts
    with pytest.raises(KeyError):
        texts("ui.jobs")


def test_a_language_is_read_once() -> None:
    assert load_texts(Language.RU) is load_texts(Language.RU)
    assert load_texts(Language.RU) is not load_texts(Language.EN)


def test_every_language_has_rules_of_plurals() -> None:
    assert {language: Locale.parse(language).plural_form.tags for language in Language} == {
        Language.EN: {"one"},
        Language.RU: {"one", "few", "many"},
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("save it as `.xlsx`", "Save it as `.xlsx`."),
        ("сохраните файл; закройте его", "Сохраните файл; закройте его."),
        ("`retry` later", "`retry` later."),
        ("Done.", "Done."),
        ("ИНН", "ИНН."),
    ],
)
def test_a_remedy_becomes_a_sentence(text: str, sentence: str) -> None:
    assert to_sentence(text) == sentence


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("<b> & \"x\" 'y'", "&lt;b&gt; &amp; &#34;x&#34; &#39;y&#39;"),
        ("save it as `.xlsx`", "save it as <code>.xlsx</code>"),
        ("`a` and `<b>`", "<code>a</code> and <code>&lt;b&gt;</code>"),
        ("one ` alone", "one ` alone"),
        ("``", "``"),
        ("one of the [headers](chats.md#fields) of it", "one of the headers of it"),
        ("[x](javascript:alert(1))", "x)"),
    ],
)
def test_html_is_escaped_with_code_between_backticks(text: str, html: str) -> None:
    assert str(to_html(text)) == html
