"""HTML pages: templates that escape what they show, and a Content-Security-Policy for each page."""

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
"""What every page may do; a page adds what it needs, and nothing is ever loaded from elsewhere."""
PAGE_HEADERS = {
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def html_response(text: str, **allowed: str) -> HTMLResponse:
    """A page; `allowed` are directives of its policy, such as `script_src="'self'"`."""
    more = {name.replace("_", "-"): sources for name, sources in allowed.items()}
    policy = "; ".join(f"{name} {sources}" for name, sources in (BASE_CONTENT_SECURITY_POLICY | more).items())
    return HTMLResponse(text, headers=PAGE_HEADERS | {"content-security-policy": policy})


def render_template(template: str, **values: Any) -> str:
    """A template with values. Raises jinja2.UndefinedError where one is missing."""
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
