"""The page of the dataset agrees with what the code accepts, rejects and stores."""

import re
from datetime import date

from consumer.cells.column_letters import column_letter
from consumer.cells.texts import MAX_TEXT_CHARS
from consumer.datasets.chats.column_spec import COLUMN_SPEC, POSITIONAL_LAYOUT, SOURCE_TABLE
from consumer.datasets.chats.column_validator import column_validators
from consumer.datasets.chats.rules.integer import MAX_INT4
from consumer.datasets.chats.rules.text import MAX_SHORT_TEXT_CHARS
from consumer.datasets.chats.rules.url import MAX_URL_BYTES
from consumer.datasets.chats.source_tags import SOURCE_TAGS
from consumer.sources.excel.sheet_choice import DEFAULT_SHEET
from consumer.sources.header import HEADER_SEARCH_ROWS
from schemas.codes import RejectCode, WarningCode
from tests.support.doc_pages import ROOT, code_names, first_code_names, read_page, section, table_rows

PAGE = read_page("docs/chats.md")
REVISIONS = ROOT / "consumer" / "datasets" / "chats" / "revisions"
IN_WORDS = {10: "ten"}
TABLE = re.compile(r"create table directory\.(\w+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)


def test_every_field_is_listed_with_its_headers_in_order() -> None:
    listed = {
        code_names(field)[0]: tuple(code_names(headers))
        for field, headers, _ in table_rows(section(PAGE, "Fields"))
    }
    assert listed == COLUMN_SPEC.headers


def test_required_fields_are_marked() -> None:
    marked = {
        code_names(field)[0] for field, *_ in table_rows(section(PAGE, "Fields")) if "required" in field
    }
    assert marked == set(COLUMN_SPEC.required)


def test_every_field_has_a_documented_rule() -> None:
    assert {code_names(field)[0] for field, _, rule in table_rows(section(PAGE, "Fields")) if rule} == set(
        column_validators(date.max)
    )


def test_limits_match_rules() -> None:
    fields = section(PAGE, "Fields")
    assert f"at most {MAX_URL_BYTES:,} bytes" in fields
    assert fields.count(f"at most {MAX_SHORT_TEXT_CHARS} characters") == 3  # branch, faculty, group
    assert f"at most {MAX_TEXT_CHARS:,} characters" in fields
    assert fields.count(f"from 0 to {MAX_INT4:,}") == 2  # participants, course


def test_source_requirements_match_code() -> None:
    listed = {first: rest for first, *rest in table_rows(section(PAGE, "What a source must look like"))}
    assert code_names(listed["columns"][2]) == [
        SOURCE_TABLE.key,
        *SOURCE_TABLE.columns.values(),
        SOURCE_TABLE.row_filter[0],
    ]
    assert code_names(listed["which rows"][2]) == list(SOURCE_TABLE.row_filter)
    assert code_names(listed["what is read"][2]) == [SOURCE_TABLE.table]
    assert f"«{DEFAULT_SHEET}»" in listed["what is read"][0]
    tags = dict(zip(("excel", "google_sheets", "database"), listed["tag of its chats"], strict=True))
    assert {source: code_names(cell)[0] for source, cell in tags.items()} == SOURCE_TAGS


def test_header_rows_and_positional_columns_match_code() -> None:
    text = section(PAGE, "What a source must look like")
    assert f"among the first {IN_WORDS[HEADER_SEARCH_ROWS]} that are not empty" in text
    assert POSITIONAL_LAYOUT.fields == ("inn", "kpp", "url", "phone")
    assert (
        f"ИНН, КПП, link and phone in columns A to {column_letter(len(POSITIONAL_LAYOUT.fields) - 1)}" in text
    )


def test_every_reject_code_is_listed_once() -> None:
    """The page lists every code and no other."""
    assert sorted(first_code_names(section(PAGE, "Rejected rows"))) == sorted(RejectCode)


def test_every_warning_code_is_listed_once() -> None:
    """The page lists every code and no other."""
    assert sorted(first_code_names(section(PAGE, "Warnings"))) == sorted(WarningCode)


def test_tags_are_listed_in_order_of_code() -> None:
    (line,) = [text for text in section(PAGE, "Which row wins").splitlines() if "tag only rises" in text]
    assert code_names(line) == list(SOURCE_TAGS.values())


def test_target_tables_are_listed_with_their_columns() -> None:
    listed = {
        code_names(name)[0]: code_names(columns)
        for name, columns, _ in table_rows(section(PAGE, "Where the rows go"))
    }
    created = {
        name: _columns(body)
        for path in REVISIONS.glob("*.sql")
        for name, body in _create_statements(path.read_text())
    }
    assert listed == created


def _create_statements(text: str) -> list[tuple[str, str]]:
    return TABLE.findall(text)


def _columns(body: str) -> list[str]:
    words = [line.split()[0] for line in body.splitlines() if line.strip()]
    return [word for word in words if word != "constraint"]
