"""Which requests come from pages of other origins."""

import pytest
from starlette.datastructures import Headers

from consumer.http.middleware.origin import is_cross_origin

HOSTS = {"localhost", "migration.example.org"}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8084"},
        {"host": "localhost:8084", "sec-fetch-site": "same-origin", "origin": "http://localhost:8084"},
        {"host": "localhost:8084", "sec-fetch-site": "none"},
        {"host": "localhost:8084", "origin": "http://LOCALHOST:8084"},
        {"host": "migration.example.org", "origin": "https://migration.example.org"},
    ],
)
def test_clients_and_own_pages_are_same_origin(headers: dict[str, str]) -> None:
    assert not is_cross_origin(Headers(headers), HOSTS)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "localhost:8084", "origin": "https://evil.example"},
        {"host": "localhost:8084", "sec-fetch-site": "cross-site"},
        {"host": "localhost:8084", "sec-fetch-site": "same-site"},
        {"host": "localhost:8084", "sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"host": "localhost:8084", "origin": "http://localhost:3000"},
        {"host": "localhost:8084", "origin": "null"},
        {"host": "localhost:8084", "origin": ""},
        {"host": "localhost:8084", "origin": "http://["},
        {"host": "evil.example", "origin": "http://evil.example"},
    ],
)
def test_other_pages_are_cross_origin(headers: dict[str, str]) -> None:
    assert is_cross_origin(Headers(headers), HOSTS)
