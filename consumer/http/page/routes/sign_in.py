"""`/sign-in` and `/sign-out`: a token becomes a session in a cookie."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from consumer.http.auth.sign_in import sign_in, sign_out
from consumer.http.page.context import PageContext
from consumer.http.page.errors import SEE_OTHER, SIGN_IN_PATH, UNAUTHENTICATED, local_path
from consumer.http.page.routes.page_router import page_router
from consumer.http.problem import ProblemError

SIGN_OUT_PATH = "/sign-out"


def router() -> APIRouter:
    """The routes of the session."""
    routes = page_router(None)

    @routes.get(SIGN_IN_PATH)
    async def form(request: Request) -> Response:
        """The form for the token."""
        return _form_page(request, request.query_params.get("next", "/"))

    @routes.post(SIGN_IN_PATH)
    async def submit(request: Request) -> Response:
        """Start a session, and go where the person came from."""
        values = await request.form()
        target = local_path(str(values.get("next") or "/"))
        try:
            _, cookie = await sign_in(request, str(values.get("token") or ""))
        except ProblemError as error:
            if error.status != UNAUTHENTICATED:
                raise
            return _form_page(request, target, error)
        return RedirectResponse(target, SEE_OTHER, headers={"set-cookie": cookie})

    @routes.post(SIGN_OUT_PATH)
    async def leave(request: Request) -> Response:
        """End the session of this browser."""
        response = RedirectResponse(SIGN_IN_PATH, SEE_OTHER)
        for cookie in sign_out(request):
            response.headers.append("set-cookie", cookie)
        return response

    return routes


def _form_page(request: Request, target: str, error: ProblemError | None = None) -> Response:
    status = 200 if error is None else error.status
    return PageContext.of(request).render("sign_in.html", status, next=target, is_wrong=error is not None)
