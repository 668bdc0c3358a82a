"""Filters in the address of a page: what cannot be used counts as absent, and links keep the rest."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.http.page.routes.jobs import ListQuery
from consumer.http.page.routes.rejected import RejectedPageQuery
from consumer.store.job_list import JobFilter
from consumer.store.rejected_pages import RejectedFilter, RowState
from schemas.integers import MAX_JOB_NUMBER
from schemas.status import Status


def test_list_is_filtered_by_all_values() -> None:
    values = {
        "status": "failed",
        "source_type": "excel",
        "requested_by": "anna",
        "q": " chats ",
        "before": "7",
    }
    query = ListQuery.of(values | {"unknown": "x"})
    assert query.filter == JobFilter(Status.FAILED, None, "excel", "anna", "chats")
    assert query.position == 7
    assert query.is_filtered


@pytest.mark.parametrize("before", ["", "-1", "x", "²", "9" * 30])
def test_unusable_position_is_the_newest(before: str) -> None:
    assert ListQuery.of({"before": before}).position == MAX_JOB_NUMBER


@pytest.mark.parametrize("values", [{}, {"status": "done"}, {"source_type": "csv"}, {"q": "  "}])
def test_unusable_filters_are_ignored(values: dict[str, str]) -> None:
    query = ListQuery.of(values)
    assert query.filter == JobFilter()
    assert not query.is_filtered


@given(st.dictionaries(st.sampled_from(["requested_by", "q", "before"]), st.text()))
def test_address_of_a_list_leads_to_the_same_list(values: dict[str, str]) -> None:
    query = ListQuery.of(values)
    parsed = parse_qs(urlsplit(query.address()).query)
    assert ListQuery.of({name: texts[0] for name, texts in parsed.items()}) == query


def test_address_changes_only_what_is_given() -> None:
    query = ListQuery.of({"q": "a&b", "before": "9"})
    assert query.address("/state", before="") == "/state?q=a%26b"
    assert query.address("/state", q="", before="") == "/state"


def test_rejected_rows_are_filtered_by_all_values() -> None:
    query = RejectedPageQuery.of(
        {"code": "inn", "field": "kpp", "q": " 47 ", "state": "open", "after": "1.5"}
    )
    assert query.filter == RejectedFilter("inn", "kpp", "47", RowState.OPEN)
    assert (query.cursor.load, query.cursor.row_number) == (1, 5)
    assert query.address("/x", after="") == "/x?code=inn&field=kpp&q=47&state=open"


def test_state_alone_is_a_filter_and_an_unknown_one_is_ignored() -> None:
    assert RejectedPageQuery.of({"state": "dismissed"}).is_filtered
    assert RejectedPageQuery.of({"state": "mended"}) == RejectedPageQuery()


def test_errors_of_the_whole_row_have_an_address() -> None:
    assert RejectedPageQuery.of({"field": "-"}).filter == RejectedFilter(None, "", None)
    assert RejectedPageQuery.of({"field": ""}).filter == RejectedFilter()
