"""The texts of a workbook of rejected rows: titles and remedies are those of the page."""

from functools import cache

from consumer.http.page.language import Language, choose_language
from consumer.http.page.texts.catalog import CODE, MARKDOWN_LINK, Texts, load_texts, to_sentence
from consumer.rejected_file.writer_protocol import ErrorText, WorkbookTexts
from schemas.codes import RejectCode

NOTED_KINDS = ("error", "formula")
"""Kinds of cells that are empty in a workbook."""
SHEET_NAMES = {Language.EN: "Rejected rows", Language.RU: "Отклонённые строки"}
CUT = {
    Language.EN: "The record was too long and is not here in full: correct this row in the source.",
    Language.RU: "Запись слишком длинная, здесь она не целиком: исправьте эту строку в источнике.",
}


def choose_texts(required: str | None, accept_language: str | None) -> WorkbookTexts:
    """The texts in the required language, else in the one that `Accept-Language` prefers."""
    return _workbook_texts(choose_language(required, accept_language))


@cache
def _workbook_texts(language: Language) -> WorkbookTexts:
    texts = load_texts(language)
    return WorkbookTexts(
        language=language.value,
        sheet=SHEET_NAMES[language],
        errors={code.value: _error_text(texts, code) for code in RejectCode},
        kinds={kind: to_sentence(texts(f"ui.rejected.{kind}_value")) for kind in NOTED_KINDS},
        cut=CUT[language],
    )


def _error_text(texts: Texts, code: RejectCode) -> ErrorText:
    """Plain text: what is between backticks without them, links as their words."""
    remedy = to_sentence(texts(f"rejected.{code}.do"))
    return ErrorText(texts(f"rejected.{code}.title"), CODE.sub(r"\1", MARKDOWN_LINK.sub(r"\1", remedy)))
