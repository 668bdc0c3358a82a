"""`/language/{code}`: remembers the language that a person chose, and goes back."""

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from consumer.http.page.context import LANGUAGE_COOKIE
from consumer.http.page.errors import SEE_OTHER, local_path
from consumer.http.page.language import Language
from consumer.http.page.routes.page_router import page_router

YEAR_SECONDS = 365 * 24 * 3600


def router() -> APIRouter:
    """The route of the switch."""
    routes = page_router(None)

    @routes.get("/language/{code}")
    async def choose(request: Request, code: Language) -> RedirectResponse:
        """Set the cookie of the language."""
        response = RedirectResponse(local_path(request.query_params.get("next", "/")), SEE_OTHER)
        response.set_cookie(
            LANGUAGE_COOKIE, code, max_age=YEAR_SECONDS, path="/", httponly=True, samesite="lax"
        )
        return response

    return routes
