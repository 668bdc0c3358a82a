"""Texts of a workbook of rejected rows, in both languages."""

import pytest

from consumer.http.page.rejected_file_texts import choose_texts
from consumer.rejected_file.layout import LEADING_COLUMNS
from schemas.codes import RejectCode


@pytest.mark.parametrize("language", LEADING_COLUMNS)
def test_every_code_has_a_title_and_a_sentence_of_what_to_do(language: str) -> None:
    texts = choose_texts(language, None)
    assert texts.language == language
    assert set(texts.errors) == set(RejectCode)
    for text in texts.errors.values():
        assert text.title
        assert text.remedy.endswith((".", "!"))
        assert text.remedy[0].isupper()
        assert "`" not in text.remedy
    assert set(texts.kinds) == {"error", "formula"}
    assert len(texts.sheet) <= 31 - len(" 99"), "the name of a sheet has at most 31 characters"


def test_required_language_precedes_that_of_the_browser() -> None:
    assert choose_texts(None, "ru-RU,ru;q=0.9").language == "ru"
    assert choose_texts("en", "ru").language == "en"
    assert choose_texts(None, None).language == "en"
