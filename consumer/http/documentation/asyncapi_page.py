"""`/asyncapi`: the messages on Kafka, to be read; and the document with its JSON Schemas, for programs."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from consumer.http.documentation.assets import MEDIA_TYPES, Asset
from consumer.http.documentation.asyncapi_view import channel_views
from consumer.http.documentation.pages import html_response, render_template
from consumer.http.problem import ProblemError
from schemas import asyncapi
from schemas.codes import ProblemCode

SCHEMAS = "schemas"
"""The package that holds the generated documents, and the address below which its JSON Schemas are served."""
REF_IN_REPOSITORY, REF_AS_SERVED = "$ref: ./", f"$ref: ./{SCHEMAS}/"
"""In the repository the schemas lie beside the document; here they are one level below it."""


def router() -> APIRouter:
    """The page, the document, and the schemas it refers to."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/asyncapi")
    async def html() -> HTMLResponse:
        """The page. It has no script."""
        return html_response(_render_page())

    @routes.get("/asyncapi.yaml")
    async def document(request: Request) -> Response:
        """The AsyncAPI document; its references resolve from here."""
        return _document().response(request)

    @routes.get(f"/{SCHEMAS}/{{name}}")
    async def schema(request: Request, name: str) -> Response:
        """A JSON Schema, by the name of its file."""
        if name not in _schemas():
            known = ", ".join(_schemas())
            raise ProblemError(404, ProblemCode.NOT_FOUND, f"There is no such schema; there are {known}.")
        return _schemas()[name].response(request)

    return routes


@cache
def _render_page() -> str:
    about = asyncapi.document()
    return render_template(
        "asyncapi.html", info=about["info"], channels=channel_views(about, _read_schema), schemas=SCHEMAS
    )


@cache
def _document() -> Asset:
    text = (files(SCHEMAS) / "asyncapi.yaml").read_text(encoding="utf-8")
    return Asset(text.replace(REF_IN_REPOSITORY, REF_AS_SERVED).encode(), MEDIA_TYPES[".yaml"])


@cache
def _schemas() -> Mapping[str, Asset]:
    found = sorted(
        (one for one in files(SCHEMAS).iterdir() if one.name.endswith(".json")), key=lambda one: one.name
    )
    return {one.name: Asset(one.read_bytes(), MEDIA_TYPES[".json"]) for one in found}


def _read_schema(name: str) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = json.loads(_schemas()[name].content)
    return schema
