"""`/healthz` and `/readyz`, for whoever starts and restarts the service."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from consumer.health import Health

AWAY = 503


def router(health: Health) -> APIRouter:
    """The two probes."""
    routes = APIRouter(tags=["health"])

    @routes.get("/healthz", summary="Is the service alive?", responses={AWAY: {"description": "stuck"}})
    async def healthz() -> JSONResponse:
        """200 while every long-lived task makes progress; `tasks`: seconds since the last of each.

        Postgres or Kafka being away is no reason to be restarted, and does not matter here.
        """
        tasks, stuck = health.progress(), health.stuck()
        if not stuck:
            return JSONResponse({"tasks": tasks})
        return _away(f"dead, or without progress for too long: {', '.join(stuck)}", tasks=tasks)

    @routes.get("/readyz", summary="Can it work?", responses={AWAY: {"description": "not now"}})
    async def readyz() -> JSONResponse:
        """200 while Postgres and Kafka can be used; else `waiting_for` names what cannot."""
        unready = await health.unready()
        if not unready:
            return JSONResponse({"ready": True})
        return _away(f"waiting for {', '.join(unready)}", ready=False, waiting_for=unready)

    return routes


def _away(detail: str, **more: Any) -> JSONResponse:
    return JSONResponse({"detail": detail, **more}, AWAY)
