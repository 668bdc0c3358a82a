"""Renders the templates of the documentation."""

from functools import cache
from typing import Any

from jinja2 import Environment

from consumer.http.html import template_environment


def render_template(template: str, **values: Any) -> str:
    """A rendered template. Raises jinja2.UndefinedError if a value is missing."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    return template_environment("consumer.http.documentation")
