"""HTML pages: templates with automatic escaping, and a Content-Security-Policy for each page."""

from functools import cache
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

BASE_CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "style-src": "'self'",
}
"""The policy of every page, to which a page adds directives. Nothing is loaded from other sites."""
PAGE_HEADERS = {"cache-control": "no-cache", "referrer-policy": "no-referrer"}


def html_response(text: str, **directives: str) -> HTMLResponse:
    """A page; `directives` are added to its policy, such as `script_src="'self'"`."""
    added = {name.replace("_", "-"): sources for name, sources in directives.items()}
    policy = "; ".join(
        f"{name} {sources}" for name, sources in (BASE_CONTENT_SECURITY_POLICY | added).items()
    )
    return HTMLResponse(text, headers=PAGE_HEADERS | {"content-security-policy": policy})


def render_template(template: str, **values: Any) -> str:
    """A rendered template. Raises jinja2.UndefinedError if a value is missing."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("consumer.http.documentation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
