"""Errors as pages: a browser sees what is wrong and what to do, and signs in where a token is missing."""

from urllib.parse import urlencode

from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from consumer.http.error_handlers import HANDLED_ERRORS, to_problem
from consumer.http.middleware.security_headers import PRIVATE_PREFIX
from consumer.http.page.context import PageContext
from consumer.http.problem import ProblemError

SEE_OTHER = 303
UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, INTERNAL_ERROR, UNAVAILABLE = 401, 403, 404, 500, 503
SAFE_METHODS = frozenset({"GET", "HEAD"})
SIGN_IN_PATH = "/sign-in"
HTML_MEDIA_TYPE = "text/html"


def install(app: FastAPI) -> None:
    """Let the app answer errors with pages where a person asked, in place of problems for programs."""

    async def handle(request: Request, error: Exception) -> Response:
        problem = to_problem(error)
        if _asks_for_page(request):
            return problem_page(PageContext.of(request), problem)
        return problem.response()

    for error_type in (*HANDLED_ERRORS, Exception):
        app.add_exception_handler(error_type, handle)


def _asks_for_page(request: Request) -> bool:
    """Whether a browser asks, outside of the API, which answers programs alone."""
    is_api = request.scope["path"].startswith(PRIVATE_PREFIX)
    return not is_api and HTML_MEDIA_TYPE in request.headers.get("accept", "")


def problem_page(page: PageContext, error: ProblemError) -> Response:
    """The page of a problem; a caller without a valid token is sent to sign in."""
    if error.status == UNAUTHENTICATED:
        return _to_sign_in(page)
    response = page.render("problem.html", error.status, problem=error.problem, title=_title(error))
    response.headers.update(error.headers)
    return response


def _title(error: ProblemError) -> str:
    """The key of the title."""
    if error.status == NOT_FOUND:
        return "ui.not_found.title"
    if error.status == FORBIDDEN:
        return "ui.forbidden.title"
    if error.status == UNAVAILABLE:
        return "ui.unavailable.title"
    return "ui.refused.title" if error.status < INTERNAL_ERROR else "ui.error.title"


def _to_sign_in(page: PageContext) -> Response:
    """A redirect; for a part of a page, the header that makes the script load another page."""
    back = _page_to_come_back_to(page)
    target = f"{SIGN_IN_PATH}?{urlencode({'next': local_path(back)})}"
    if page.is_fragment:
        return Response(status_code=UNAUTHENTICATED, headers={"hx-redirect": target})
    return RedirectResponse(target, SEE_OTHER)


def _page_to_come_back_to(page: PageContext) -> str:
    """The page that a person looks at; after a form was sent, the one that has the form."""
    if page.is_fragment:
        return page.request.headers.get("hx-current-url", "")
    return page.address if page.request.method in SAFE_METHODS else page.request.headers.get("referer", "")


def local_path(address: str) -> str:
    """Path and query of an address of this service; `/` for any other one, so that no redirect leads away."""
    has_origin = "://" in address and not address.startswith("/")
    path = "/" + address.partition("://")[2].partition("/")[2] if has_origin else address
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"
