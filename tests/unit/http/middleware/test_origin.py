"""Which requests come from pages of other origins."""

import pytest
from starlette.datastructures import Headers

from consumer.http.middleware.origin import is_cross_origin, require_own_page
from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

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


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "any.example:8084", "sec-fetch-site": "same-origin"},
        {"host": "any.example:8084", "sec-fetch-site": "none"},
        {"host": "any.example:8084", "origin": "http://any.example:8084"},
        {"host": "any.example", "origin": "https://ANY.example", "sec-fetch-site": "same-origin"},
    ],
)
def test_own_page_is_proven_by_either_header_with_any_host(headers: dict[str, str]) -> None:
    require_own_page(Headers(headers))


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"host": "any.example"}, "The browser does not state"),
        ({"host": "any.example", "sec-fetch-site": "unknown"}, "The browser does not state"),
        ({"host": "any.example", "sec-fetch-site": "same-site"}, "A web page of another origin"),
        ({"host": "any.example", "origin": "http://other.example"}, "A web page of another origin"),
        ({"origin": ""}, "A web page of another origin"),
        (
            {"host": "any.example", "origin": "null", "sec-fetch-site": "none"},
            "A web page of another origin",
        ),
    ],
)
def test_other_pages_and_missing_headers_prove_no_own_page(headers: dict[str, str], sentence: str) -> None:
    with pytest.raises(ProblemError, match=f"^{sentence}") as caught:
        require_own_page(Headers(headers))
    assert (caught.value.status, caught.value.problem.code) == (403, ProblemCode.CROSS_SITE)
