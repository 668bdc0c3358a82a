"""`/healthz` and `/readyz`, for whoever starts and restarts the service."""

from typing import Any, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from consumer.health import Health
from consumer.http.problem_responses import PROBLEMS, content

AWAY = 503


class LivenessView(BaseModel):
    """What the long-lived tasks of the process do."""

    tasks: dict[str, float] = Field(
        description="seconds since the last progress of each", examples=[{"worker": 0.4}]
    )


class StuckView(LivenessView):
    """Why the process should be started again."""

    detail: str = Field(description="which tasks are dead, or without progress for too long")


class ReadinessView(BaseModel):
    """The service can work."""

    ready: Literal[True] = Field(description="Postgres and Kafka can be used, and status events leave")


class WaitingView(BaseModel):
    """The service cannot work now."""

    ready: Literal[False] = Field(description="something cannot be used")
    detail: str = Field(description="what it waits for")
    waiting_for: dict[str, str] = Field(description="what cannot be used, with a sentence each")


def _away_response(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """The 503 of a probe in OpenAPI: its own body, or the problem of a service with too many connections."""
    description = f"{model.__doc__} Or the service has as many connections as it takes."
    return {AWAY: {"description": description, "model": model, "content": content(AWAY, PROBLEMS[AWAY])}}


def router(health: Health) -> APIRouter:
    """The two probes."""
    routes = APIRouter(tags=["health"])

    @routes.get(
        "/healthz",
        operation_id="checkLiveness",
        summary="Is the service alive?",
        response_model=LivenessView,
        responses=_away_response(StuckView),
    )
    async def healthz() -> JSONResponse:
        """200 while every long-lived task makes progress; `tasks`: seconds since the last of each.

        Postgres or Kafka being away is no reason to be restarted, and does not matter here.
        """
        tasks, stuck = health.progress(), health.stuck()
        if not stuck:
            return JSONResponse({"tasks": tasks})
        return _away(f"dead, or without progress for too long: {', '.join(stuck)}", tasks=tasks)

    @routes.get(
        "/readyz",
        operation_id="checkReadiness",
        summary="Can it work?",
        response_model=ReadinessView,
        responses=_away_response(WaitingView),
    )
    async def readyz() -> JSONResponse:
        """200 while Postgres and Kafka can be used and status events leave; else `waiting_for` says why."""
        unready = await health.unready()
        if not unready:
            return JSONResponse({"ready": True})
        return _away(f"waiting for {', '.join(unready)}", ready=False, waiting_for=unready)

    return routes


def _away(detail: str, **more: Any) -> JSONResponse:
    return JSONResponse({"detail": detail, **more}, AWAY)
