"""The OpenAPI document: what FastAPI derives from the routes, with our problems for its own errors."""

from collections.abc import Collection
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from consumer.http.middleware.hosts import ANY_HOST_PATHS
from consumer.http.openapi import problems
from consumer.http.openapi.links import add_links
from consumer.http.openapi.problems import COMMON_STATUSES
from consumer.http.problem import PROBLEM_MEDIA_TYPE, Problem

Json = dict[str, Any]

TITLE = "Chat migration"
DESCRIPTION = """
Imports chats of universities from Excel workbooks, databases and Google Sheets into Postgres.
A *request* starts a *job*; the job goes on whatever becomes of the client, the connection or the replica.

**Following a job.** `GET /migration/jobs/{id}` shows how far it is, by request id or by number;
`GET /migration/jobs/{id}/events` streams its status events as they happen.
The same events are on the Kafka topic `migration.status`: [/asyncapi](asyncapi) describes the messages.

**Errors** are `application/problem+json` (RFC 9457).
Programs look at `code`, which does not change; people read `detail`, which says what is wrong and what to do.
A `503` comes with `Retry-After`.
"""
TAGS: list[Json] = [
    {
        "name": "start",
        "description": "Ask for a migration: a POST publishes the request to Kafka, nothing else.",
    },
    {"name": "control", "description": "Cancel a job, or run it again."},
    {"name": "jobs", "description": "What became of a request: progress, status events, rejected rows."},
    {"name": "health", "description": "For whoever runs the service: probes and numbers."},
]
"""Every tag that a route has; the pages show them in this order."""

JSON = "application/json"
MISDIRECTED = 421
NUMBER_KEYWORDS = ("type", "minimum", "maximum")
NO_AUTH_REQUIRED: Json = {}
"""A security requirement that anybody meets."""
SCHEMA_REF = "#/components/schemas/{model}"
FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI, datasets: Collection[str], *, auth_enforced: bool) -> None:
    """Serve this document as the app's own.

    `datasets` are the names a request may give; `tokens` says whether the service asks for them.
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
    """Say of an operation what the framework does not know."""
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
    """FastAPI documents a 422 of its own form wherever there are parameters."""
    types = set(response.get("content", {}))
    return types == {PROBLEM_MEDIA_TYPE} or (status == "422" and JSON in types)


def without_null(schema: Json) -> Json:
    """A schema without the null that stands for absent: parameters and forms cannot spell it."""
    kinds: list[Json] = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    rest = {name: value for name, value in schema.items() if name != "anyOf"}
    return {**kinds[0], **rest}


def add_dataset_enum(value: Any, datasets: Collection[str]) -> None:
    """Have every request body say which datasets there are."""
    if isinstance(value, list):
        for one in value:
            add_dataset_enum(one, datasets)
    elif isinstance(value, dict):
        field = value.get("properties", {}).get("dataset")
        if field and value.get("additionalProperties") is False:
            field["enum"] = [*sorted(datasets), *([""] if "file" in value["properties"] else [])]
        for one in value.values():
            add_dataset_enum(one, datasets)


def _allow_empty(field: Json) -> Json:
    """A field of a form: browsers send what was left blank as an empty text, which counts as absent."""
    if field.get("type") != "string":
        kinds = [{name: field.pop(name) for name in NUMBER_KEYWORDS if name in field}, {"const": ""}]
        return {"anyOf": kinds, **field}
    pattern = field["pattern"].removeprefix("^").removesuffix("$")
    rest = {name: value for name, value in field.items() if name != "minLength"}
    return {**rest, "pattern": f"^(?:{pattern})?$"}


def form_body(fields: type[BaseModel], examples: Json) -> Json:
    """The `requestBody` of a form with these fields and a file; the framework cannot derive what streams."""
    schema = fields.model_json_schema(ref_template=SCHEMA_REF)
    schema["properties"] = {
        name: _allow_empty(without_null(field)) for name, field in schema["properties"].items()
    }
    schema["properties"]["file"] = {
        "type": "string",
        "format": "binary",
        "description": "The workbook, not empty. It has a file name; fields come before it or after it.",
    }
    schema["required"] = ["file"]
    media = {"schema": schema, "examples": examples}
    return {"required": True, "content": {"multipart/form-data": media}}
