"""The OpenAPI document: FastAPI's own, plus problem responses, links and the names of datasets."""

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from consumer.http.headers import JSON_MEDIA_TYPE
from consumer.http.middleware.hosts import ANY_HOST_PATHS
from consumer.http.openapi import problems
from consumer.http.openapi.links import add_links
from consumer.http.openapi.problems import COMMON_STATUSES
from consumer.http.problem import PROBLEM_MEDIA_TYPE, Problem

Json = dict[str, Any]

TITLE = "Chat migration"
DESCRIPTION = """
Imports chats of universities from Excel workbooks, databases and Google Sheets into Postgres.
A *request* starts a *job*; the job continues if the client, the connection or the replica fails.

**Following a job.** `GET /migration/jobs/{id}` shows its progress, by request id or by number;
`GET /migration/jobs/{id}/events` streams its status events as they happen.
The same events are on the Kafka topic `migration.status`: [/asyncapi](asyncapi) describes the messages.

**Errors** are `application/problem+json` (RFC 9457).
`code` is for programs and does not change; `detail` tells people what is wrong and what to do.
A `503` comes with `Retry-After`.
"""
TAGS: list[Json] = [
    {
        "name": "start",
        "description": "Start a migration: a POST only publishes the request to Kafka.",
    },
    {"name": "control", "description": "Cancel a job, or run it again."},
    {"name": "jobs", "description": "Read jobs: progress, status events, attempts, rejected rows."},
    {"name": "health", "description": "For operators: probes and metrics."},
]
"""All tags of routes; the pages show them in this order."""

MISDIRECTED = 421
NUMBER_KEYWORDS = ("type", "minimum", "maximum")
NO_AUTH_REQUIRED: Json = {}
"""An empty security requirement: no token is needed."""
SCHEMA_REF = "#/components/schemas/{model}"
FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI, datasets: Collection[str], *, auth_enforced: bool) -> None:
    """Make this the document of the app.

    `datasets` are the names a request may give; `auth_enforced`: whether the service requires tokens.
    """

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, datasets, auth_enforced=auth_enforced)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI, datasets: Collection[str], *, auth_enforced: bool) -> Json:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in FRAMEWORK_ERRORS:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=SCHEMA_REF, mode="serialization")
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    components["responses"] = problems.components()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            complete_operation(operation, any_host=path in ANY_HOST_PATHS)
            if "security" in operation and not auth_enforced:
                operation["security"].append(NO_AUTH_REQUIRED)
    add_dataset_enum(document, datasets)
    return document


def complete_operation(operation: Json, *, any_host: bool) -> None:
    """Add to an operation what the framework does not know: problem responses, and links."""
    responses = operation["responses"]
    for status in COMMON_STATUSES:
        if status != MISDIRECTED or not any_host:
            responses.setdefault(str(status), problems.reference(status))
    for status, response in responses.items():
        if _is_problem(status, response):
            responses[status] = problems.reference(int(status))
    operation["responses"] = dict(sorted(responses.items()))
    for parameter in operation.get("parameters", ()):
        parameter["schema"] = without_null(parameter["schema"])
    add_links(operation)


def _is_problem(status: str, response: Json) -> bool:
    """Whether a response is a problem, or the 422 that FastAPI adds to operations with parameters."""
    types = set(response.get("content", {}))
    return types == {PROBLEM_MEDIA_TYPE} or (status == "422" and JSON_MEDIA_TYPE in types)


def without_null(schema: Json) -> Json:
    """A schema without the alternative null: parameters and form fields are absent instead."""
    if "anyOf" not in schema:
        return schema
    branches: list[Json] = [branch for branch in schema["anyOf"] if branch != {"type": "null"}]
    if len(branches) != 1:
        return {**schema, "anyOf": branches}
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**branches[0], **rest}


def add_dataset_enum(value: Any, datasets: Collection[str]) -> None:
    """List the datasets in every request body within `value`."""
    if isinstance(value, list):
        for item in value:
            add_dataset_enum(item, datasets)
    elif isinstance(value, dict):
        field = value.get("properties", {}).get("dataset")
        if field and value.get("additionalProperties") is False:
            field["enum"] = [*sorted(datasets), *([""] if "file" in value["properties"] else [])]
        for item in value.values():
            add_dataset_enum(item, datasets)


def _allow_empty(field: Json) -> Json:
    """A form field that may be empty: browsers send blank inputs as empty strings, which count as absent."""
    if "anyOf" in field:
        return {**field, "anyOf": [*field["anyOf"], {"const": ""}]}
    if field.get("type") == "object":
        return _as_json_text(field)
    if field.get("type") != "string":
        number = {name: field.pop(name) for name in NUMBER_KEYWORDS if name in field}
        return {"anyOf": [number, {"const": ""}], **field}
    pattern = field["pattern"].removeprefix("^").removesuffix("$")
    rest = {name: value for name, value in field.items() if name != "minLength"}
    return {**rest, "pattern": f"^(?:{pattern})?$"}


def _as_json_text(field: Json) -> Json:
    """A form field whose text is JSON, or empty."""
    content = {
        name: value for name, value in field.items() if name not in {"description", "title", "default"}
    }
    text = {"type": "string", "contentMediaType": JSON_MEDIA_TYPE, "contentSchema": content}
    return {**text, "description": field["description"]}


def form_body(fields: type[BaseModel], examples: Json, *, leave_out: Collection[str] = ()) -> Json:
    """The `requestBody` of a form with a file, for a route that streams the body.

    Its fields are those of the model, without those in `leave_out`.
    """
    schema = fields.model_json_schema(ref_template=SCHEMA_REF)
    schema["properties"] = {
        name: _allow_empty(without_null(field))
        for name, field in schema["properties"].items()
        if name not in leave_out
    }
    schema["properties"]["file"] = {
        "type": "string",
        "format": "binary",
        "description": "The workbook, not empty, with a file name; fields may come before or after it.",
    }
    schema["required"] = ["file"]
    media = {"schema": schema, "examples": examples}
    return {"required": True, "content": {"multipart/form-data": media}}
