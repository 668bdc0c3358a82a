"""`GET /migration/datasets/{name}/template`: the workbook that people fill in."""

import asyncio
from collections.abc import Collection
from functools import cache
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from consumer.datasets import registry
from consumer.datasets.template_workbook import template_workbook
from consumer.http.auth.authenticator import auth_responses, requires
from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import GuardedRoute
from consumer.http.problem import ProblemError, problem_responses
from schemas.codes import ProblemCode
from schemas.http_headers import XLSX_MEDIA_TYPE

NOT_FOUND = 404
MAX_NAME_CHARS = 100

DatasetName = Annotated[str, Path(description="name of a dataset", examples=["chats"])]


def router(datasets: Collection[str]) -> APIRouter:
    """The route that returns templates; `datasets` are the names of all datasets."""
    routes = APIRouter(
        route_class=GuardedRoute,
        prefix="/migration/datasets",
        tags=["start"],
        dependencies=[Depends(requires(Right.READ))],
        responses=auth_responses(),
    )

    @routes.get(
        "/{name}/template",
        operation_id="getTemplate",
        summary="An empty workbook to fill in",
        response_class=Response,
        responses={
            200: {"content": {XLSX_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
            **problem_responses(NOT_FOUND),
        },
    )
    async def template(name: DatasetName) -> Response:
        """All columns with notes in Russian and English, formats, drop-downs, and two example rows."""
        content = await asyncio.to_thread(_template, name) if name in datasets else None
        if content is None:
            raise _no_template(name, datasets)
        headers = {
            "content-disposition": f'attachment; filename="{name}-template.xlsx"',
            "cache-control": "no-cache",
        }
        return Response(content, media_type=XLSX_MEDIA_TYPE, headers=headers)

    return routes


@cache
def _template(name: str) -> bytes | None:
    """The template of a dataset, None if it has none."""
    dataset = registry.find(name)
    if dataset.template is None:
        return None
    return template_workbook(dataset.template, dataset.column_spec.required)


def _no_template(name: str, datasets: Collection[str]) -> ProblemError:
    known = ", ".join(sorted(datasets))
    return ProblemError(
        NOT_FOUND,
        ProblemCode.NOT_FOUND,
        f"There is no template for a dataset {name[:MAX_NAME_CHARS]!r}; this service knows: {known}.",
    )
