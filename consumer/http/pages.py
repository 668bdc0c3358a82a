"""HTML pages: templates that escape what they show, and a Content-Security-Policy for each page."""

from functools import cache
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

POLICY = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "img-src": "'self'",
    "style-src": "'self'",
}
"""What every page may do; a page adds what it needs, and nothing is ever loaded from elsewhere."""
HEADERS = {
    "cache-control": "no-cache",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def page(text: str, **allowed: str) -> HTMLResponse:
    """A page; `allowed` are directives of its policy, such as `script_src="'self'"`."""
    more = {name.replace("_", "-"): sources for name, sources in allowed.items()}
    policy = "; ".join(f"{name} {sources}" for name, sources in (POLICY | more).items())
    return HTMLResponse(text, headers=HEADERS | {"content-security-policy": policy})


def render(template: str, **values: Any) -> str:
    """A template with values. Raises jinja2.UndefinedError where one is missing."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("consumer.http"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
