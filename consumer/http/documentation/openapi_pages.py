"""`/docs` and `/redoc`: the OpenAPI document to be tried and to be read, without a network."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from consumer.http.documentation.pages import html_response, render_template

IMG_SRC_WITH_DATA = "'self' data:"
"""Icons of both bundles stand in their style sheets."""
STYLE_SRC_INLINE = "'self' 'unsafe-inline'"
"""ReDoc writes its style sheet while it runs, and its bundle takes no nonce for that."""


def router(title: str) -> APIRouter:
    """Both pages; they read `/openapi.json`, beside them."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def swagger() -> HTMLResponse:
        """Swagger UI: every operation can be tried."""
        text = render_template("docs.html", title=title)
        return html_response(text, script_src="'self'", connect_src="'self'", img_src=IMG_SRC_WITH_DATA)

    @routes.get("/redoc")
    async def redoc() -> HTMLResponse:
        """ReDoc: one long page. Its search runs in a worker that it makes of its own text."""
        return html_response(
            render_template("redoc.html", title=title),
            script_src="'self'",
            connect_src="'self'",
            img_src=IMG_SRC_WITH_DATA,
            style_src=STYLE_SRC_INLINE,
            worker_src="blob:",
        )

    return routes
