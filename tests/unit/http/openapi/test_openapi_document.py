"""The OpenAPI document is complete: every operation, response and field says what it is."""

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
from consumer.http.requests.bodies import CommandBody, DatabaseBody, ExcelForm, GoogleSheetsBody
from consumer.store.database import Database
from schemas.codes import ProblemCode
from schemas.requests import REQUEST_ADAPTER
from schemas.version import VERSION
from tests.support.http_app import make_read_only_app

Json = dict[str, Any]

SELF_EXPLANATORY = {"action", "schema_version", "type"}
"""Fields whose one value says what they are."""
UNDOCUMENTED_CODES = {ProblemCode.METHOD_NOT_ALLOWED}
"""Not answered by any operation: 405 belongs to a path."""


class WithTokens(Authenticator):
    """Access of a service that asks for tokens; nothing is asked of it here."""

    enforced = True


def _document(access: Authenticator | None = None) -> Json:
    return make_read_only_app(cast("Database", None), authenticator=access).openapi()


DOCUMENT = _document()
OPERATIONS: dict[str, Json] = {
    operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()
}
BODIES = [name for name, operation in OPERATIONS.items() if "requestBody" in operation]


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_does(name: str) -> None:
    operation = OPERATIONS[name]
    assert re.fullmatch(r"[a-z]+([A-Z][a-z]+)+", name)
    assert len(operation["tags"]) == 1
    for words in (operation["summary"], operation["description"]):
        assert words[0].isupper() or words[0] in "`2", words
        assert len(words) > 5
    assert not operation["summary"].endswith(".")


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_documents_what_it_may_end_with(name: str) -> None:
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
            found = (
                DOCUMENT["components"]["responses"][reference.rpartition("/")[2]] if reference else response
            )
            assert PROBLEM_MEDIA_TYPE in found["content"], (name, status)
            assert reference or (operation["tags"], status) == (["health"], "503")


def test_every_code_is_documented_for_a_status() -> None:
    documented = [code for problem in PROBLEMS.values() for code in problem.codes]
    assert set(documented) == set(ProblemCode) - UNDOCUMENTED_CODES
    problem = DOCUMENT["components"]["schemas"]["ProblemCode"]
    assert problem["enum"] == [code.value for code in ProblemCode]


@pytest.mark.parametrize("status", PROBLEMS)
def test_the_example_of_a_problem_is_one(status: int) -> None:
    content = DOCUMENT["components"]["responses"][PROBLEMS[status].name]["content"][PROBLEM_MEDIA_TYPE]
    _validator(content["schema"]).validate(content["example"])
    assert not _validator(content["schema"]).is_valid({**content["example"], "status": 418})
    assert not _validator(content["schema"]).is_valid({**content["example"], "code": "none"})


@pytest.mark.parametrize("name", BODIES)
def test_the_examples_of_a_body_are_valid(name: str) -> None:
    [(media_type, body)] = OPERATIONS[name]["requestBody"]["content"].items()
    assert len(body["examples"]) >= 2
    for example in body["examples"].values():
        assert example["summary"]
        if media_type == "application/json":
            _validator(body["schema"]).validate(example["value"])


def test_the_models_take_the_examples_of_their_bodies() -> None:
    models = {
        "DATABASE_EXAMPLES": TypeAdapter[Any](DatabaseBody),
        "GOOGLE_SHEETS_EXAMPLES": TypeAdapter[Any](GoogleSheetsBody),
        "COMMAND_EXAMPLES": TypeAdapter[Any](CommandBody),
        "REQUEST_EXAMPLES": REQUEST_ADAPTER,
    }
    for name, model in models.items():
        for example in getattr(body_examples, name).values():
            model.validate_python(example["value"])
    for example in body_examples.EXCEL_EXAMPLES.values():
        ExcelForm.parse({name: str(text) for name, text in example["value"].items() if name != "file"})


def test_every_field_says_what_it_is() -> None:
    silent = [
        f"{model}.{name}"
        for model, schema in DOCUMENT["components"]["schemas"].items()
        for name, field in schema.get("properties", {}).items()
        if name not in SELF_EXPLANATORY and not field.get("description")
    ]
    assert silent == []
    assert not [
        name for name, schema in DOCUMENT["components"]["schemas"].items() if "description" not in schema
    ]


def test_every_parameter_says_what_it_is_and_is_never_null() -> None:
    for name, operation in OPERATIONS.items():
        for parameter in operation.get("parameters", ()):
            assert parameter.get("description") or parameter["name"] in {"status", "limit"}, (name, parameter)
            assert {"type": "null"} not in parameter["schema"].get("anyOf", ()), (name, parameter)


def test_a_request_names_one_of_the_datasets_there_are() -> None:
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
}


@pytest.mark.parametrize("name", FIELDS)
def test_the_form_takes_what_its_schema_does(name: str) -> None:
    """The dataset is checked behind the model, which does not know which there are."""
    schema = OPERATIONS["startExcel"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    for value in FIELDS[name]:
        documented = _validator(schema["properties"][name]).is_valid(value)
        try:
            form = ExcelForm.parse({name: str(value)})
        except ProblemError:
            assert not documented, value
        else:
            assert documented == (form.dataset == "chats"), value


def test_links_lead_from_a_job_to_what_can_be_asked_of_it() -> None:
    assert {*OPERATIONS_RETURNING_JOB, *OPERATIONS_ON_JOB} <= set(OPERATIONS)
    for name in OPERATIONS_RETURNING_JOB:
        responses = OPERATIONS[name]["responses"]
        for status in {"200", "202"} & set(responses):
            assert set(responses[status]["links"]) == {*OPERATIONS_ON_JOB} - {name}
    for target in OPERATIONS_ON_JOB:
        assert "id" in [one["name"] for one in OPERATIONS[target]["parameters"]]


def test_every_reference_leads_somewhere() -> None:
    references = list(_references(DOCUMENT))
    assert len(references) > 50
    for reference in references:
        found: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_a_token_is_needed_only_where_the_service_asks_for_one() -> None:
    without, guarded = DOCUMENT, _document(WithTokens())
    for path, verbs in guarded["paths"].items():
        for verb, operation in verbs.items():
            needed = operation.get("security", [])
            assert needed == [] or [list(one) for one in needed] == [["token"]]
            expected = [*needed, {}] if needed else []
            assert without["paths"][path][verb].get("security", []) == expected


def test_the_version_is_that_of_the_package() -> None:
    assert DOCUMENT["info"]["version"] == VERSION


def _validator(schema: Json) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _references(one)
