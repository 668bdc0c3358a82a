"""`/docs` (Swagger UI) and `/redoc` (ReDoc) for the OpenAPI document; neither needs the internet."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from consumer.http.documentation.pages import render_template
from consumer.http.html import html_response

IMG_SRC_WITH_DATA = "'self' data:"
"""The style sheets of both bundles contain icons as `data:` URLs."""
STYLE_SRC_INLINE = "'self' 'unsafe-inline'"
"""ReDoc generates its style sheet at run time, and its bundle does not support a nonce."""


def router(title: str) -> APIRouter:
    """The routes of both pages, which load `/openapi.json`."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def swagger() -> HTMLResponse:
        """Swagger UI, from which every operation can be called."""
        text = render_template("docs.html", title=title)
        return html_response(text, script_src="'self'", connect_src="'self'", img_src=IMG_SRC_WITH_DATA)

    @routes.get("/redoc")
    async def redoc() -> HTMLResponse:
        """ReDoc, one long page. Its search runs in a worker that it creates from a `blob:` URL."""
        return html_response(
            render_template("redoc.html", title=title),
            script_src="'self'",
            connect_src="'self'",
            img_src=IMG_SRC_WITH_DATA,
            style_src=STYLE_SRC_INLINE,
            worker_src="blob:",
        )

    return routes
