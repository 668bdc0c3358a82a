"""The form that maps columns, and the request that it makes."""

from typing import Any

import pytest

from consumer.http.page.views.column_mapping import can_map_columns, mapped_request, mapping_form
from consumer.http.problem import ProblemError
from schemas import examples
from schemas.codes import ErrorCode
from schemas.status import Status
from tests.support.jobs import make_job

UPLOADED: dict[str, Any] = {"type": "excel", "file": {"upload": examples.UPLOAD}, "sheet": "Чаты"}
FAILED: dict[str, Any] = {"status": Status.FAILED, "error_code": ErrorCode.MISSING_COLUMN}


def sample(*headers: str) -> dict[str, Any]:
    columns: list[dict[str, Any]] = [
        {"column": "A", "header": header, "field": None, "samples": []} for header in headers
    ]
    return {"row": 1, "missing": [{"field": "url", "nearest": None}], "columns": columns, "left_out": 0}


def test_choice_is_remembered_for_the_same_headers_in_any_order() -> None:
    digest = mapping_form(sample("a", "b")).headers_digest
    assert mapping_form(sample("b", "a", "a")).headers_digest == digest
    assert mapping_form(sample("a", "b", "c")).headers_digest != digest
    assert mapping_form(sample("ab")).headers_digest != digest


def test_without_a_near_header_none_is_chosen() -> None:
    [missing] = mapping_form(sample("a")).missing
    assert (missing.field, missing.nearest) == ("url", "")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [({}, True), ({"status": Status.RUNNING}, False), ({"error_code": "invalid_file"}, False),
     ({"corrects": {"request_id": "r"}}, False)],
)  # fmt: skip
def test_columns_are_mapped_where_one_is_missing(changes: dict[str, Any], expected: bool) -> None:
    assert can_map_columns(make_job(**FAILED | changes)) is expected


def test_request_has_the_source_and_options_of_the_job_and_the_chosen_columns() -> None:
    job = make_job(source={**UPLOADED, "columns": {"Номер": "inn"}}, options={"dry_run": True})
    request = mapped_request(job, "new", {"field.url": "Ссылка MAX", "field.kpp": ""})
    assert request.request_id == "new"
    assert request.source.columns == {"Номер": "inn", "Ссылка MAX": "url"}
    assert request.source.model_dump()["file"]["upload"] == UPLOADED["file"]["upload"]
    assert request.options.dry_run
    assert request.dataset == job.dataset


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "choose one"),
        ({"field.url": "", "field.inn": ""}, "choose one"),
        ({"field.url": "a", "field.inn": "a"}, "one column for two fields"),
        ({"field.url": "x" * 5_000}, "columns"),
    ],
)
def test_unusable_choice_is_refused(form: dict[str, str], message: str) -> None:
    with pytest.raises(ProblemError, match=message) as caught:
        mapped_request(make_job(source=UPLOADED), "new", form)
    assert caught.value.status == 422
