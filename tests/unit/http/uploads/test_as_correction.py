"""A form that sends corrected rows has no field that goes with imports only."""

from typing import Any

import pytest

from consumer.http.problem import ProblemError
from consumer.http.requests.bodies import ExcelForm
from consumer.http.uploads.excel_upload import as_correction
from schemas.requests import StartRequest
from tests.support.jobs import make_job

CORRECTED = make_job(request_id="parent", dataset="other")


def _start(fields: dict[str, str]) -> StartRequest:
    return ExcelForm.parse(fields).to_request(
        "r-1",
        {"type": "excel", "file": {"path": "a.xlsx"}, "columns": ExcelForm.parse(fields).columns},
    )


def test_correction_names_its_job_and_has_its_dataset() -> None:
    start = as_correction(_start({"max_rejected": "5"}), CORRECTED)
    assert start.corrects is not None
    assert (start.corrects.request_id, start.dataset, start.options.max_rejected) == ("parent", "other", 5)


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ({"dry_run": "true"}, ["dry_run"]),
        ({"all_or_nothing": "on"}, ["all_or_nothing"]),
        ({"columns": '{"a": "url"}', "dry_run": "true"}, ["dry_run", "columns"]),
    ],
)
def test_fields_of_imports_are_refused_by_name(fields: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(ProblemError) as caught:
        as_correction(_start(fields), CORRECTED)
    assert caught.value.status == 422
    assert [problem.field for problem in caught.value.problem.errors] == names
