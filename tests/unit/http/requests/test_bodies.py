"""Bodies of POSTs, and the requests made from them."""

from typing import Any

import pytest
from pydantic import ValidationError

from consumer.http.problem import ProblemError
from consumer.http.requests.bodies import (
    DatabaseBody,
    ExcelForm,
    GoogleSheetsBody,
    RetryBody,
    validate_or_422,
)
from schemas.requests import DatabaseSource, GoogleSheetsSource, RetryOptions


def test_form_converts_numbers_and_ignores_empty_fields() -> None:
    form = ExcelForm.parse(
        {"timeout_seconds": "60", "max_attempts": "2", "sheet": "Чаты", "requested_by": ""}
    )
    assert (form.timeout_seconds, form.max_attempts, form.sheet, form.requested_by) == (60, 2, "Чаты", None)
    assert form.dataset == "chats"


@pytest.mark.parametrize(
    ("fields", "field_name"),
    [
        ({"timeout_seconds": "soon"}, "timeout_seconds"),
        ({"timeout_seconds": "60.5"}, "timeout_seconds"),
        ({"timeout_seconds": "0"}, "timeout_seconds"),
        ({"timeout_seconds": "٣"}, "timeout_seconds"),
        ({"max_attempts": "1" * 5_000}, "max_attempts"),
        ({"sheet": "a\x00b"}, "sheet"),
        ({"request_id": " a"}, "request_id"),
        ({"shet": "Чаты"}, "shet"),
    ],
)
def test_form_error_names_the_field_and_not_its_value(fields: dict[str, str], field_name: str) -> None:
    with pytest.raises(ProblemError) as caught:
        ExcelForm.parse(fields)
    problem = caught.value.problem
    assert (caught.value.status, problem.code, [field.field for field in problem.errors]) == (
        422,
        "invalid_request",
        [field_name],
    )
    assert not any(len(value) > 3 and value in problem.detail for value in fields.values())


@pytest.mark.parametrize("request_id", [".", ".."])
def test_dots_are_no_request_id(request_id: str) -> None:
    with pytest.raises(ValidationError, match="which no URL can carry"):
        DatabaseBody.model_validate({"source_identifier": "main", "request_id": request_id})


def test_database_body_names_a_connection() -> None:
    body = DatabaseBody(source_identifier="admin_panel", table="public.chats", max_attempts=1)
    request = body.to_request("r-1", body.source)
    assert request.source == DatabaseSource(type="database", connection="admin_panel", table="public.chats")
    assert (request.request_id, request.options.max_attempts, request.dataset) == ("r-1", 1, "chats")


def test_spreadsheet_may_be_a_link() -> None:
    link = "https://docs.google.com/spreadsheets/d/1AbC-dEf_123/edit#gid=0"
    body = GoogleSheetsBody(spreadsheet_id=link)
    assert body.to_request("r-1", body.source).source == GoogleSheetsSource(
        type="google_sheets", spreadsheet_id=link
    )


@pytest.mark.parametrize(
    "values",
    [
        {"source_identifier": "postgresql://user:secret@host/db"},
        {"source_identifier": ""},
        {},
        {"source_identifier": "a", "address": "x"},
    ],
)
def test_dsn_is_rejected_and_not_quoted(values: dict[str, Any]) -> None:
    with pytest.raises(ProblemError) as caught:
        validate_or_422(DatabaseBody, values)
    assert "secret" not in caught.value.problem.detail


@pytest.mark.parametrize(("text", "flag"), [("true", True), ("on", True), ("false", False), ("", False)])
def test_form_converts_flags_and_limits(text: str, flag: bool) -> None:
    form = ExcelForm.parse({"dry_run": text, "all_or_nothing": text, "max_rejected": "500"})
    assert (form.dry_run, form.all_or_nothing, form.max_rejected) == (flag, flag, 500)
    options = form.to_request("r-1", {"type": "excel", "file": {"path": "a.xlsx"}}).options
    assert (options.dry_run, options.all_or_nothing, options.max_rejected) == (flag, flag, 500)


@pytest.mark.parametrize(
    ("fields", "field_name"),
    [({"dry_run": "maybe"}, "dry_run"), ({"max_rejected": "many"}, "max_rejected")],
)
def test_wrong_flag_or_limit_of_a_form_is_named(fields: dict[str, str], field_name: str) -> None:
    with pytest.raises(ProblemError) as caught:
        ExcelForm.parse(fields)
    assert [field.field for field in caught.value.problem.errors] == [field_name]


def test_retry_changes_the_limit_only_if_it_is_given() -> None:
    assert RetryBody().options is None
    assert RetryBody(max_rejected="20%").options == RetryOptions(max_rejected="20%")


@pytest.mark.parametrize(
    ("text", "columns"), [('{"Ссылка MAX": "url"}', {"Ссылка MAX": "url"}), ("{}", None), ("", None)]
)
def test_form_field_columns_is_json(text: str, columns: dict[str, str] | None) -> None:
    assert ExcelForm.parse({"columns": text}).columns == columns


@pytest.mark.parametrize(
    "text",
    ["MAX=url", "[]", '{"MAX": 1}', '{"": "url"}', '{" ": "url"}', '{"a": "url", "a": "inn"}', "NaN"],
)
def test_form_with_other_columns_is_rejected(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        ExcelForm.parse({"columns": text})
    assert caught.value.status == 422
    assert caught.value.problem.errors[0].field.split(".")[0] == "columns"


def test_columns_of_bodies_are_those_of_the_request() -> None:
    columns = {"link": "url"}
    for body in (
        DatabaseBody(source_identifier="main", columns=columns),
        GoogleSheetsBody(spreadsheet_id="1AbC", columns=columns),
    ):
        assert body.to_request("r-1", body.source).source.columns == columns
