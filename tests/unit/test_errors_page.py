"""The page of errors lists exactly the codes a job can fail with."""

from collections import Counter

from consumer.http.page.language import Language
from consumer.http.page.texts.catalog import load_texts
from schemas.codes import ErrorCode
from tests.support.doc_pages import ROOT, anchors, code_names, first_code_names, read_page, table_rows

PAGE = read_page("docs/errors.md")


def test_every_code_is_listed_once() -> None:
    """The page lists every code and no other."""
    assert Counter(first_code_names(PAGE)) == Counter(ErrorCode)


def test_every_code_has_cause_and_advice() -> None:
    assert [row for row in table_rows(PAGE) if len(row) != 3 or not all(row)] == []


def test_web_page_shows_the_same_causes_and_remedies() -> None:
    texts = load_texts(Language.EN)
    shown = {code: (texts(f"error.{code}.cause"), texts(f"error.{code}.do")) for code in ErrorCode}
    assert {code_names(code)[0]: (cause, do) for code, cause, do in table_rows(PAGE)} == shown


def test_readme_names_every_reference_page() -> None:
    assert "rejected-rows" in anchors(read_page("docs/chats.md"))
    for name in ("chats", "cli", "errors", "operations"):
        assert (ROOT / "docs" / f"{name}.md").is_file()
        assert f"docs/{name}.md" in read_page("README.md")
