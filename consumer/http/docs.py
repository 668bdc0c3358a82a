"""`/docs` and `/redoc`: the OpenAPI document to be tried and to be read, without a network."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from consumer.http.pages import page, render

DATA_IMAGES = "'self' data:"
"""Icons of both bundles stand in their style sheets."""
INLINE_STYLE = "'self' 'unsafe-inline'"
"""ReDoc writes its style sheet while it runs, and its bundle takes no nonce for that."""


def router(title: str) -> APIRouter:
    """Both pages; they read `/openapi.json`, beside them."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def swagger() -> HTMLResponse:
        """Swagger UI: every operation can be tried."""
        text = render("docs.html", title=title)
        return page(text, script_src="'self'", connect_src="'self'", img_src=DATA_IMAGES)

    @routes.get("/redoc")
    async def redoc() -> HTMLResponse:
        """ReDoc: one long page. Its search runs in a worker that it makes of its own text."""
        return page(
            render("redoc.html", title=title),
            script_src="'self'",
            connect_src="'self'",
            img_src=DATA_IMAGES,
            style_src=INLINE_STYLE,
            worker_src="blob:",
        )

    return routes
