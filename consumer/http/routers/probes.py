"""The probes `/healthz` (liveness) and `/readyz` (readiness)."""

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.http.openapi.problems import PROBLEMS, problem_content
from consumer.runtime.health import HealthRegistry

UNAVAILABLE = 503


class LivenessView(BaseModel):
    """Progress of the long-lived tasks of the process."""

    tasks: dict[str, float] = Field(
        description="seconds since the last progress of each", examples=[{"worker": 0.4}]
    )


class UnhealthyView(LivenessView):
    """Why the process should be restarted."""

    detail: str = Field(description="which tasks are dead, or without progress for too long")


class ReadinessView(BaseModel):
    """The service is ready."""

    ready: Literal[True] = Field(
        description="Postgres and Kafka are available, and status events are published"
    )


class NotReadyView(BaseModel):
    """The service is not ready."""

    ready: Literal[False] = Field(description="something is unavailable")
    detail: str = Field(description="what it waits for")
    waiting_for: dict[str, str] = Field(description="what is unavailable → why")


def _unavailable_response(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` of a probe for 503: its own body, or the problem for too many connections."""
    description = f"{model.__doc__} Or the service has reached its limit of connections."
    return {
        UNAVAILABLE: {
            "description": description,
            "model": model,
            "content": problem_content(UNAVAILABLE, PROBLEMS[UNAVAILABLE]),
        }
    }


def router(health: HealthRegistry) -> APIRouter:
    """The routes of both probes."""
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/healthz",
        operation_id="checkLiveness",
        summary="Is the service alive?",
        response_model=LivenessView,
        responses=_unavailable_response(UnhealthyView),
    )
    async def healthz() -> JSONResponse:
        """200 while every long-lived task makes progress; `tasks`: seconds since the last progress of each.

        An outage of Postgres or Kafka is no reason for a restart and does not count here.
        """
        tasks, unhealthy = health.seconds_since_progress(), health.unhealthy_tasks()
        if not unhealthy:
            return JSONResponse({"tasks": tasks})
        return _unavailable(f"dead, or without progress for too long: {', '.join(unhealthy)}", tasks=tasks)

    @routes.get(
        "/readyz",
        operation_id="checkReadiness",
        summary="Is the service ready?",
        response_model=ReadinessView,
        responses=_unavailable_response(NotReadyView),
    )
    async def readyz() -> JSONResponse:
        """200 while Postgres and Kafka are available and status events are published."""
        failing = await health.failing_checks()
        if not failing:
            return JSONResponse({"ready": True})
        return _unavailable(f"waiting for {', '.join(failing)}", ready=False, waiting_for=failing)

    return routes


def _unavailable(detail: str, **fields: Any) -> JSONResponse:
    return JSONResponse({"detail": detail, **fields}, UNAVAILABLE)
