"""The cookie that holds a session: its name, its attributes, and where it is in a request."""

from starlette.datastructures import Headers
from starlette.requests import Request

from consumer.http.auth.session import SESSION_SECONDS

SECURE_NAME = "__Host-migration"
"""For HTTPS. Browsers accept this prefix only with `Secure`, `Path=/` and no `Domain`, so that neither a page
without TLS nor one of another subdomain can set the cookie."""
PLAIN_NAME = "migration-session"
"""For HTTP without TLS, as on 127.0.0.1, where browsers refuse the prefix."""
ATTRIBUTES = "Path=/; HttpOnly; SameSite=Lax"


def came_by_tls(request: Request) -> bool:
    """Whether the browser sent this request by HTTPS. The request has passed `require_own_page`.

    Behind a proxy that terminates TLS the service itself sees HTTP, and `X-Forwarded-Proto` is not trusted
    (see `consumer.http.server`). But browsers name the scheme of the page in the `Origin` of every POST.
    """
    return request.scope["scheme"] == "https" or request.headers.get("origin", "").lower().startswith(
        "https://"
    )


def set_cookie(session: str, *, secure: bool) -> str:
    """The value of a `Set-Cookie` header that gives a session to the browser."""
    name, flag = (SECURE_NAME, "; Secure") if secure else (PLAIN_NAME, "")
    return f"{name}={session}; Max-Age={SESSION_SECONDS}; {ATTRIBUTES}{flag}"


def delete_cookies() -> tuple[str, ...]:
    """Values of `Set-Cookie` headers, each in a header of its own, that remove every session of a browser."""
    return (
        f"{SECURE_NAME}=; Max-Age=0; {ATTRIBUTES}; Secure",
        f"{PLAIN_NAME}=; Max-Age=0; {ATTRIBUTES}",
    )


def read_cookie(headers: Headers) -> str | None:
    """The text of the session in the headers of a request, or None. The cookie for HTTPS takes precedence.

    `Request.cookies` is not used: it strips no-break spaces from names, which would let another subdomain set
    a cookie that looks like one with the prefix.
    """
    cookies: dict[str, str] = {}
    for header in headers.getlist("cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip(" \t").partition("=")
            cookies.setdefault(name, value)
    return cookies.get(SECURE_NAME) or cookies.get(PLAIN_NAME) or None
