"""The session cookie: its attributes, and which of several cookies is read."""

import pytest
from starlette.datastructures import Headers
from starlette.requests import Request

from consumer.http.auth.session_cookie import came_by_tls, delete_cookies, read_cookie, set_cookie


def _request(scheme: str, **headers: str) -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "scheme": scheme, "path": "/", "headers": raw})


def test_cookie_for_https_has_the_prefix_and_what_the_prefix_needs() -> None:
    assert set_cookie("v1.x", secure=True) == (
        "__Host-migration=v1.x; Max-Age=43200; Path=/; HttpOnly; SameSite=Lax; Secure"
    )


def test_cookie_without_tls_is_not_secure_since_browsers_would_drop_it() -> None:
    assert set_cookie("v1.x", secure=False) == (
        "migration-session=v1.x; Max-Age=43200; Path=/; HttpOnly; SameSite=Lax"
    )


def test_both_cookies_are_deleted() -> None:
    assert delete_cookies() == (
        "__Host-migration=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure",
        "migration-session=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax",
    )


@pytest.mark.parametrize(
    ("scheme", "headers", "by_tls"),
    [
        ("http", {}, False),
        ("https", {}, True),
        ("http", {"origin": "http://migration.example.org"}, False),
        ("http", {"origin": "https://migration.example.org"}, True),
        ("http", {"origin": "HTTPS://migration.example.org"}, True),
        ("http", {"origin": "null"}, False),
        ("http", {"x-forwarded-proto": "https", "forwarded": "proto=https"}, False),
    ],
)
def test_tls_is_known_by_the_connection_or_the_origin(
    scheme: str, headers: dict[str, str], *, by_tls: bool
) -> None:
    assert came_by_tls(_request(scheme, **headers)) == by_tls


@pytest.mark.parametrize(
    ("cookie_headers", "session"),
    [
        ([], None),
        (["lang=ru"], None),
        (["migration-session"], None),
        (["migration-session="], None),
        (["migration-session=a"], "a"),
        (["lang=ru; migration-session=a; x=y"], "a"),
        (["lang=ru;migration-session=a;"], "a"),
        (["lang=ru", "migration-session=a"], "a"),
        (["migration-session=a=b"], "a=b"),
        (["migration-session=first; migration-session=second"], "first"),
        (["migration-session=plain; __Host-migration=secure"], "secure"),
        (["__Host-migration=; migration-session=plain"], "plain"),
        (["\xa0__Host-migration=forged; __Host-migration=secure"], "secure"),
        (["\xa0__Host-migration=forged; migration-session=plain"], "plain"),
        (["__host-migration=forged"], None),
        ([";;==;\xff"], None),
    ],
)
def test_session_is_read_from_the_cookie(cookie_headers: list[str], session: str | None) -> None:
    headers = Headers(raw=[(b"cookie", header.encode("latin-1")) for header in cookie_headers])
    assert read_cookie(headers) == session
