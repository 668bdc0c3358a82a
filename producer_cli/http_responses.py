"""What a response of the service means, and whether an address can be one of it."""

from urllib.parse import urlsplit

import httpx

from producer_cli.errors import InvalidInputError
from producer_cli.text import strip_control_chars


def problem_code(response: httpx.Response) -> object:
    """The `code` of a problem document; None if the response is not one."""
    response.read()
    try:
        return response.json()["code"]
    except (ValueError, KeyError, TypeError):
        return None


def problem_detail(response: httpx.Response) -> str:
    """The `detail` of a problem document; advice to retry if the response is not one."""
    response.read()
    try:
        return strip_control_chars(str(response.json()["detail"]))
    except (ValueError, KeyError, TypeError):
        return "try again later."


def validate_url(url: str) -> httpx.URL:
    """Parse the URL; raises InvalidInputError. Neither library alone detects every invalid one."""
    try:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        pass
    raise InvalidInputError(
        "MIGRATION_HTTP_URL must be an address like http://host:8084, and MIGRATION_HTTP_PORT a number."
    )
