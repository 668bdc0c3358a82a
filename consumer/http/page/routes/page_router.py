"""The router that all screens use."""

from typing import Annotated

from fastapi import APIRouter, Depends

from consumer.http.auth.authenticator import Caller, requires
from consumer.http.auth.tokens import Right
from consumer.http.guarded_route import GuardedRoute

Reader = Annotated[Caller, Depends(requires(Right.READ))]
"""A caller who may see jobs."""


def page_router(right: Right | None) -> APIRouter:
    """A router whose routes require the right, and are not in the OpenAPI document."""
    dependencies = [] if right is None else [Depends(requires(right))]
    return APIRouter(route_class=GuardedRoute, include_in_schema=False, dependencies=dependencies)
