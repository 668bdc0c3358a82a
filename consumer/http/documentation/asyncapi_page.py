"""`/asyncapi`: the page about the Kafka messages, and the AsyncAPI document with its JSON Schemas."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from consumer.http.documentation.assets import MEDIA_TYPES
from consumer.http.documentation.asyncapi_view import channel_views
from consumer.http.documentation.pages import render_template
from consumer.http.html import html_response
from consumer.http.problem import ProblemError
from consumer.http.static_file import StaticFile
from schemas import asyncapi
from schemas.codes import ProblemCode

SCHEMAS = "schemas"
"""The package with the generated documents, and the path below which its JSON Schemas are served."""
REF_IN_REPOSITORY, REF_AS_SERVED = "$ref: ./", f"$ref: ./{SCHEMAS}/"
"""In the repository the schemas are beside the document; as served, they are one level below it."""


def router() -> APIRouter:
    """The routes of the page, the document, and the schemas it refers to."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/asyncapi")
    async def html() -> HTMLResponse:
        """The page; it contains no script."""
        return html_response(_render_page())

    @routes.get("/asyncapi.yaml")
    async def document(request: Request) -> Response:
        """The AsyncAPI document; its references are relative to this address."""
        return _document().response(request)

    @routes.get(f"/{SCHEMAS}/{{name}}")
    async def schema(request: Request, name: str) -> Response:
        """A JSON Schema by its file name."""
        if name not in _schemas():
            known = ", ".join(_schemas())
            raise ProblemError(404, ProblemCode.NOT_FOUND, f"There is no such schema; there are {known}.")
        return _schemas()[name].response(request)

    return routes


@cache
def _render_page() -> str:
    document = asyncapi.document()
    channels = channel_views(document, _read_schema)
    return render_template("asyncapi.html", info=document["info"], channels=channels, schemas=SCHEMAS)


@cache
def _document() -> StaticFile:
    text = (files(SCHEMAS) / "asyncapi.yaml").read_text(encoding="utf-8")
    return StaticFile(text.replace(REF_IN_REPOSITORY, REF_AS_SERVED).encode(), MEDIA_TYPES[".yaml"])


@cache
def _schemas() -> Mapping[str, StaticFile]:
    schema_files = sorted(
        (file for file in files(SCHEMAS).iterdir() if file.name.endswith(".json")), key=lambda file: file.name
    )
    return {file.name: StaticFile(file.read_bytes(), MEDIA_TYPES[".json"]) for file in schema_files}


def _read_schema(name: str) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = json.loads(_schemas()[name].content)
    return schema
