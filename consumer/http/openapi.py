"""The OpenAPI document: what FastAPI derives from the routes, with our problems for its own errors."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from consumer.http.problem import MEDIA_TYPE, Problem

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
    {"name": "steer", "description": "Cancel a job, or run it again."},
    {"name": "jobs", "description": "What became of a request: progress, status events, rejected rows."},
    {"name": "health", "description": "For whoever runs the service: probes and numbers."},
]
"""Every tag that a route has; the pages show them in this order."""

SCHEMA_REF = "#/components/schemas/{model}"
FRAMEWORK_ERRORS = ("HTTPValidationError", "ValidationError")


def install(app: FastAPI) -> None:
    """Serve this document as the app's own."""

    def openapi() -> Json:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _document(app: FastAPI) -> Json:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in FRAMEWORK_ERRORS:
        schemas.pop(name, None)
    problem = Problem.model_json_schema(ref_template=SCHEMA_REF)
    schemas |= problem.pop("$defs", {}) | {"Problem": problem}
    for operations in document["paths"].values():
        for operation in operations.values():
            _replace_validation_error(operation)
    return document


def _replace_validation_error(operation: Json) -> None:
    """FastAPI documents a 422 of its own form wherever there are parameters."""
    response = operation["responses"].get("422")
    if response and "application/json" in response.get("content", {}):
        response["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}


def form_schema(fields: type[BaseModel]) -> Json:
    """The `requestBody` of a form with these fields and a file; the framework cannot derive what streams."""
    schema = fields.model_json_schema(ref_template=SCHEMA_REF)
    schema["properties"]["file"] = {"type": "string", "format": "binary", "description": "the workbook"}
    schema["required"] = ["file"]
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
