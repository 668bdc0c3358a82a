"""`/healthz` and `/readyz`, for whoever starts and restarts the service."""

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.openapi.problems import PROBLEMS, problem_content
from consumer.runtime.health import HealthRegistry

UNAVAILABLE = 503


class LivenessView(BaseModel):
    """What the long-lived tasks of the process do."""

    tasks: dict[str, float] = Field(
        description="seconds since the last progress of each", examples=[{"worker": 0.4}]
    )


class UnhealthyView(LivenessView):
    """Why the process should be started again."""

    detail: str = Field(description="which tasks are dead, or without progress for too long")


class ReadinessView(BaseModel):
    """The service can work."""

    ready: Literal[True] = Field(description="Postgres and Kafka can be used, and status events leave")


class NotReadyView(BaseModel):
    """The service cannot work now."""

    ready: Literal[False] = Field(description="something cannot be used")
    detail: str = Field(description="what it waits for")
    waiting_for: dict[str, str] = Field(description="what cannot be used, with a sentence each")


def _unavailable_response(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The 503 of a probe in OpenAPI: its own body, or the problem of a service with too many connections."""
    description = f"{model.__doc__} Or the service has as many connections as it takes."
    return {
        UNAVAILABLE: {
            "description": description,
            "model": model,
            "content": problem_content(UNAVAILABLE, PROBLEMS[UNAVAILABLE]),
        }
    }


def router(health: HealthRegistry) -> APIRouter:
    """The two probes."""
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/healthz",
        operation_id="checkLiveness",
        summary="Is the service alive?",
        response_model=LivenessView,
        responses=_unavailable_response(UnhealthyView),
    )
    async def healthz() -> JSONResponse:
        """200 while every long-lived task makes progress; `tasks`: seconds since the last of each.

        Postgres or Kafka being away is no reason to be restarted, and does not matter here.
        """
        tasks, stuck = health.seconds_since_progress(), health.unhealthy_tasks()
        if not stuck:
            return JSONResponse({"tasks": tasks})
        return _unavailable(f"dead, or without progress for too long: {', '.join(stuck)}", tasks=tasks)

    @routes.get(
        "/readyz",
        operation_id="checkReadiness",
        summary="Can it work?",
        response_model=ReadinessView,
        responses=_unavailable_response(NotReadyView),
    )
    async def readyz() -> JSONResponse:
        """200 while Postgres and Kafka can be used and status events leave; else `waiting_for` says why."""
        unready = await health.failing_checks()
        if not unready:
            return JSONResponse({"ready": True})
        return _unavailable(f"waiting for {', '.join(unready)}", ready=False, waiting_for=unready)

    return routes


def _unavailable(detail: str, **more: Any) -> JSONResponse:
    return JSONResponse({"detail": detail, **more}, UNAVAILABLE)
