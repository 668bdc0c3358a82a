"""The OpenAPI document is complete: every operation, response and field is described."""

import re
from collections.abc import Iterator
from typing import Any, cast

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from consumer.http.auth.authenticator import Authenticator
from consumer.http.openapi import body_examples
from consumer.http.openapi.links import OPERATIONS_ON_JOB, OPERATIONS_RETURNING_JOB
from consumer.http.openapi.problems import COMMON_STATUSES, PROBLEMS
from consumer.http.problem import PROBLEM_MEDIA_TYPE, ProblemError
from consumer.http.requests.bodies import (
    CommandBody,
    DatabaseBody,
    ExcelForm,
    GoogleSheetsBody,
    ImportBody,
    RetryBody,
)
from consumer.store.database import Database
from schemas.codes import ProblemCode
from schemas.requests import REQUEST_ADAPTER
from schemas.version import VERSION
from tests.support.http_app import make_read_only_app

Json = dict[str, Any]

SELF_EXPLANATORY = {"action", "schema_version", "type"}
"""Fields with a single, self-explanatory value."""
UNDOCUMENTED_CODES = {ProblemCode.METHOD_NOT_ALLOWED}
"""405 belongs to a path, not to an operation."""


class WithTokens(Authenticator):
    """The authenticator of a service with tokens; it is never called here."""

    enforced = True


def _document(authenticator: Authenticator | None = None) -> Json:
    return make_read_only_app(cast("Database", None), authenticator=authenticator).openapi()


DOCUMENT = _document()
OPERATIONS: dict[str, Json] = {
    operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()
}
BODIES = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_summary_and_description(name: str) -> None:
    operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)
    assert len(operation["tags"]) == 1
    for text in (operation["summary"], operation["description"]):
        assert text[0].isupper() or text[0] in "`2", text
        assert len(text) > 5
    assert not operation["summary"].endswith(".")


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_documents_its_statuses(name: str) -> None:
    operation = OPERATIONS[name]
    statuses = {int(status) for status in operation["responses"]}
    probes = operation["tags"] == ["health"]
    assert statuses >= {*COMMON_STATUSES} - ({421} if probes else set())
    assert statuses & {200, 202}
    assert probes == (not statuses & {401, 403})
    assert probes or statuses >= {401, 403, 429}
    if "{id}" in str(operation.get("parameters")):
        assert 404 in statuses
    if operation.get("parameters") or "requestBody" in operation:
        assert 422 in statuses
    if "requestBody" in operation:
        assert statuses >= {400, 409, 413, 415}


def test_every_problem_has_the_media_type_of_problems() -> None:
    for name, operation in OPERATIONS.items():
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            reference = response.get("$ref", "")
            response_object = (
                DOCUMENT["components"]["responses"][reference.rpartition("/")[2]] if reference else response
            )
            assert PROBLEM_MEDIA_TYPE in response_object["content"], (name, status)
            assert reference or (operation["tags"], status) == (["health"], "503")


def test_every_code_is_documented_for_a_status() -> None:
    documented = [code for problem in PROBLEMS.values() for code in problem.codes]
    assert set(documented) == set(ProblemCode) - UNDOCUMENTED_CODES
    problem = DOCUMENT["components"]["schemas"]["ProblemCode"]
    assert problem["enum"] == [code.value for code in ProblemCode]


@pytest.mark.parametrize("status", PROBLEMS)
def test_example_of_a_problem_is_valid(status: int) -> None:
    content = DOCUMENT["components"]["responses"][PROBLEMS[status].name]["content"][PROBLEM_MEDIA_TYPE]
    _validator(content["schema"]).validate(content["example"])
    assert not _validator(content["schema"]).is_valid({**content["example"], "status": 418})
    assert not _validator(content["schema"]).is_valid({**content["example"], "code": "none"})


@pytest.mark.parametrize("name", BODIES)
def test_examples_of_bodies_match_their_schema(name: str) -> None:
    [(media_type, body)] = OPERATIONS[name]["requestBody"]["content"].items()
    assert len(body["examples"]) >= 2
    for example in body["examples"].values():
        assert example["summary"]
        if media_type == "application/json":
            _validator(body["schema"]).validate(example["value"])


def test_examples_of_bodies_are_valid_for_their_models() -> None:
    models = {
        "DATABASE_EXAMPLES": TypeAdapter[Any](DatabaseBody),
        "GOOGLE_SHEETS_EXAMPLES": TypeAdapter[Any](GoogleSheetsBody),
        "COMMAND_EXAMPLES": TypeAdapter[Any](CommandBody),
        "RETRY_EXAMPLES": TypeAdapter[Any](RetryBody),
        "IMPORT_EXAMPLES": TypeAdapter[Any](ImportBody),
        "REQUEST_EXAMPLES": REQUEST_ADAPTER,
    }
    for name, model in models.items():
        for example in getattr(body_examples, name).values():
            model.validate_python(example["value"])
    for example in [*body_examples.EXCEL_EXAMPLES.values(), *body_examples.CORRECTION_EXAMPLES.values()]:
        ExcelForm.parse({name: str(text) for name, text in example["value"].items() if name != "file"})


def test_every_field_has_a_description() -> None:
    undocumented = [
        f"{model}.{name}"
        for model, schema in DOCUMENT["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if name not in SELF_EXPLANATORY and not field.get("description")
    ]
    assert undocumented == []
    assert not [
        name for name, schema in DOCUMENT["components"]["schemas"].items() if "description" not in schema
    ]


def test_every_parameter_has_a_description_and_is_never_null() -> None:
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or parameter["name"] in {"status", "limit"}, (name, parameter)
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), (name, parameter)


def test_dataset_is_an_enum_in_request_bodies() -> None:
    for model in ("StartRequest", "DatabaseBody", "GoogleSheetsBody"):
        assert DOCUMENT["components"]["schemas"][model]["properties"]["dataset"]["enum"] == ["chats"]
    form = OPERATIONS["startExcel"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["properties"]["dataset"]["enum"] == ["chats", ""]
    assert "enum" not in DOCUMENT["components"]["schemas"]["StatusEvent"]["properties"]["dataset"]


FIELDS: dict[str, list[object]] = {
    "request_id": ["r-1", "", " r", "x" * 201],
    "dataset": ["chats", "", "others"],
    "timeout_seconds": [60, "", 0, 10**7],
    "max_attempts": [3, "", 101],
    "sheet": ["Чаты", "", "a\tb"],
    "dry_run": [True, False, "", "maybe"],
    "all_or_nothing": [True, False, "", 2],
    "max_rejected": [0, 500, "10%", "", -1, "101%", "many"],
}


@pytest.mark.parametrize("name", FIELDS)
def test_form_accepts_what_its_schema_accepts(name: str) -> None:
    """The dataset is checked after the model, which does not know the datasets."""
    schema = OPERATIONS["startExcel"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    for value in FIELDS[name]:
        documented = _validator(schema["properties"][name]).is_valid(value)
        try:
            form = ExcelForm.parse({name: str(value)})
        except ProblemError:
            assert not documented, value
        else:
            assert documented == (form.dataset == "chats"), value


@pytest.mark.parametrize("operation", ["startExcel", "correctRejectedRows"])
def test_no_field_of_a_form_is_null(operation: str) -> None:
    form = OPERATIONS[operation]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert [name for name, field in form["properties"].items() if _validator(field).is_valid(None)] == []


def test_form_of_a_correction_has_no_field_that_it_refuses() -> None:
    forms = [
        set(OPERATIONS[name]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"])
        for name in ("startExcel", "correctRejectedRows")
    ]
    assert forms[0] - forms[1] == {"dry_run", "all_or_nothing", "columns", "dataset"}
    assert "max_rejected" in forms[1]


def test_links_lead_from_a_job_to_its_operations() -> None:
    assert {*OPERATIONS_RETURNING_JOB, *OPERATIONS_ON_JOB} <= set(OPERATIONS)
    for name in OPERATIONS_RETURNING_JOB:
        responses = OPERATIONS[name]["responses"]
        for status in {"200", "202"} & set(responses):
            assert set(responses[status]["links"]) == {*OPERATIONS_ON_JOB} - {name}
    for target in OPERATIONS_ON_JOB:
        assert "id" in [item["name"] for item in OPERATIONS[target]["parameters"]]


def test_every_reference_resolves() -> None:
    references = list(_references(DOCUMENT))
    assert len(references) > 50
    for reference in references:
        target: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_token_is_optional_if_the_service_has_no_tokens() -> None:
    unguarded, guarded = DOCUMENT, _document(WithTokens())
    for path, verbs in guarded["paths"].items():
        for verb, operation in verbs.items():
            security = operation.get("security", [])
            assert security == [] or [list(item) for item in security] == [["token"]]
            expected = [*security, {}] if security else []
            assert unguarded["paths"][path][verb].get("security", []) == expected


def test_version_matches_package() -> None:
    assert DOCUMENT["info"]["version"] == VERSION


def _validator(schema: Json) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
