"""The page about the dataset says what the code takes, refuses and stores."""

import re
from datetime import date

from consumer.datasets.chats.columns import column_rules
from consumer.datasets.chats.fields import BARE, FIELDS, RELATION
from consumer.datasets.chats.rules.text import NAME_LIMIT, TEXT_LIMIT
from consumer.datasets.chats.rules.url import URL_BYTES
from consumer.datasets.chats.rules.whole import LARGEST
from consumer.datasets.chats.tags import TAGS
from consumer.sources.excel.sheets import USUAL
from consumer.sources.header import HEADER_ROWS, letter
from schemas.codes import RejectCode, WarningCode
from tests.support.pages import ROOT, first_names, names, page, rows, section

PAGE = page("docs/chats.md")
REVISIONS = ROOT / "consumer" / "datasets" / "chats" / "revisions"
IN_WORDS = {10: "ten"}
TABLE = re.compile(r"create table directory\.(\w+) \(\n(.*?)^\)", re.MULTILINE | re.DOTALL)


def test_every_field_is_told_with_all_its_headers_in_their_order() -> None:
    told = {names(field)[0]: tuple(names(headers)) for field, headers, _ in rows(section(PAGE, "Fields"))}
    assert told == FIELDS.headers


def test_the_required_fields_are_marked() -> None:
    marked = {names(field)[0] for field, *_ in rows(section(PAGE, "Fields")) if "required" in field}
    assert marked == set(FIELDS.required)


def test_every_field_has_a_rule_and_a_sentence_about_it() -> None:
    assert {names(field)[0] for field, _, rule in rows(section(PAGE, "Fields")) if rule} == set(
        column_rules(date.max)
    )


def test_the_limits_are_those_of_the_rules() -> None:
    fields = section(PAGE, "Fields")
    assert f"at most {URL_BYTES:,} bytes" in fields
    assert fields.count(f"at most {NAME_LIMIT} characters") == 3  # branch, faculty, group
    assert f"at most {TEXT_LIMIT:,} characters" in fields
    assert fields.count(f"from 0 to {LARGEST:,}") == 2  # participants, course


def test_the_places_of_a_source_are_those_it_is_read_from() -> None:
    told = {first: rest for first, *rest in rows(section(PAGE, "What a source must look like"))}
    assert names(told["columns"][2]) == [RELATION.key, *RELATION.columns.values(), RELATION.only[0]]
    assert names(told["which rows"][2]) == list(RELATION.only)
    assert names(told["what is read"][2]) == [RELATION.table]
    assert f"«{USUAL}»" in told["what is read"][0]
    tags = dict(zip(("excel", "google_sheets", "database"), told["tag of its chats"], strict=True))
    assert {source: names(cell)[0] for source, cell in tags.items()} == TAGS


def test_the_header_and_the_bare_columns_are_where_the_code_looks() -> None:
    text = section(PAGE, "What a source must look like")
    assert f"among the first {IN_WORDS[HEADER_ROWS]} that are not empty" in text
    assert BARE.fields == ("inn", "kpp", "url", "phone")
    assert f"ИНН, КПП, link and phone in columns A to {letter(len(BARE.fields) - 1)}" in text


def test_every_code_of_a_rejected_row_is_told_once_and_none_that_is_not_there() -> None:
    assert sorted(first_names(section(PAGE, "Rejected rows"))) == sorted(RejectCode)


def test_every_warning_is_told_once_and_none_that_is_not_there() -> None:
    assert sorted(first_names(section(PAGE, "Warnings"))) == sorted(WarningCode)


def test_tags_rise_in_the_order_of_the_code() -> None:
    (line,) = [one for one in section(PAGE, "Which row wins").splitlines() if "tag only rises" in one]
    assert names(line) == list(TAGS.values())


def test_the_target_tables_have_the_columns_that_are_told() -> None:
    told = {names(name)[0]: names(columns) for name, columns, _ in rows(section(PAGE, "Where the rows go"))}
    made = {
        name: _columns(body) for path in REVISIONS.glob("*.sql") for name, body in _made(path.read_text())
    }
    assert told == made


def _made(text: str) -> list[tuple[str, str]]:
    return TABLE.findall(text)


def _columns(body: str) -> list[str]:
    words = [line.split()[0] for line in body.splitlines() if line.strip()]
    return [word for word in words if word != "constraint"]
