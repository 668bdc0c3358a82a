"""The texts of the page are complete: in both languages, for every code, and none for what is not there."""

import re
from collections.abc import Iterable, Iterator, Mapping

import pytest
from babel import Locale

from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.source_tags import SOURCE_TAGS
from consumer.http.auth.tokens import Right
from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import CODE, PLACEHOLDER, Text, load_texts
from consumer.http.page.views.waiting import WAITING_KEYS
from consumer.lifecycle import AttemptOutcome
from schemas.codes import ErrorCode, ProblemCode, RejectCode, WarningCode
from schemas.status import Status

ENGLISH, RUSSIAN = load_texts(Language.EN), load_texts(Language.RU)
NOT_TRANSLATED = {
    "ui.jobs.column_number",
    "ui.jobs.empty_command",
    "ui.live.waiting",
    "unit.less_than",
}
RUSSIAN_WORDS_IN_ENGLISH = {"ИНН", "КПП", "ФОИВ", "Чаты", "да", "нет"}
CYRILLIC_WORD = re.compile(r"[а-яё]+", re.IGNORECASE)

SECTIONS: Mapping[str, Iterable[str]] = {
    "status": Status,
    "source": SOURCE_TAGS,
    "outcome": AttemptOutcome,
    "waiting": [key.removeprefix("waiting.") for key in WAITING_KEYS.values()],
    "error": [f"{code}.{part}" for code in ErrorCode for part in ("title", "cause", "do")],
    "problem": ProblemCode,
    "rejected": [f"{code}.{part}" for code in RejectCode for part in ("title", "do")],
    "field": COLUMN_SPEC.headers,
    "warning": WarningCode,
    "warning_do": WarningCode,
}
"""The keys of each section of codes."""
OTHER_SECTIONS = {"unit", "ui"}


def _variants(text: Text) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def _keys_with_variants() -> Iterator[tuple[str, list[str], list[str]]]:
    for key in ENGLISH:
        yield key, _variants(ENGLISH.forms(key)), _variants(RUSSIAN.forms(key))


@pytest.mark.parametrize("section", SECTIONS)
@pytest.mark.parametrize("language", Language)
def test_every_code_has_its_texts_and_no_text_is_of_another(language: Language, section: str) -> None:
    keys = [key for key in load_texts(language) if key.startswith(f"{section}.")]
    assert sorted(keys) == sorted(f"{section}.{name}" for name in SECTIONS[section])


def test_there_are_no_other_sections() -> None:
    assert {key.partition(".")[0] for key in ENGLISH} == set(SECTIONS) | OTHER_SECTIONS


def test_every_right_has_words() -> None:
    rights = {key.removeprefix("ui.sign_in.right_") for key in ENGLISH if key.startswith("ui.sign_in.right_")}
    assert rights == set(Right)


def test_both_languages_have_the_same_keys() -> None:
    assert sorted(ENGLISH) == sorted(RUSSIAN)


def test_a_text_is_counted_in_both_languages_or_in_none() -> None:
    assert [
        key for key in ENGLISH if isinstance(ENGLISH.forms(key), str) != isinstance(RUSSIAN.forms(key), str)
    ] == []


@pytest.mark.parametrize("language", Language)
def test_counted_texts_have_all_plural_forms_of_the_language(language: Language) -> None:
    forms = Locale.parse(language).plural_form.tags | {"other"}
    texts = load_texts(language)
    counted = {key: set(text) for key in texts if not isinstance(text := texts.forms(key), str)}
    assert len(counted) > len(WarningCode)
    assert {key: found for key, found in counted.items() if found != forms} == {}


def test_placeholders_are_the_same_in_both_languages_and_in_all_forms() -> None:
    assert [
        key
        for key, english, russian in _keys_with_variants()
        if len({frozenset(PLACEHOLDER.findall(text)) for text in english + russian}) > 1
    ] == []


def test_counted_texts_show_their_number() -> None:
    assert [
        key for key, english, _ in _keys_with_variants() if len(english) > 1 and "{n}" not in english[0]
    ] == []


def test_braces_are_placeholders() -> None:
    assert [
        key
        for key, english, russian in _keys_with_variants()
        if any(set("{}") & set(PLACEHOLDER.sub("", text)) for text in english + russian)
    ] == []


def test_what_is_code_is_the_same_in_both_languages() -> None:
    assert [
        key
        for key, english, russian in _keys_with_variants()
        if set(CODE.findall(" ".join(english))) != set(CODE.findall(" ".join(russian)))
        or any(text.count("`") % 2 for text in english + russian)
    ] == []


def test_no_text_is_empty_or_has_blanks_around() -> None:
    assert [
        key
        for key, english, russian in _keys_with_variants()
        if any(not text or text != text.strip() for text in english + russian)
    ] == []


def test_russian_texts_are_russian() -> None:
    untranslated = {
        key
        for key, _, russian in _keys_with_variants()
        if not all(CYRILLIC_WORD.search(CODE.sub("", text)) for text in russian)
    }
    assert untranslated == NOT_TRANSLATED


def test_english_texts_have_no_russian_words_but_names() -> None:
    words = {
        word
        for _, english, _ in _keys_with_variants()
        for text in english
        for word in CYRILLIC_WORD.findall(text)
    }
    assert words == RUSSIAN_WORDS_IN_ENGLISH
