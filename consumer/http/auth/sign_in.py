"""Signing in to the page with a token, and signing out. The routes of the page call these functions."""

from fastapi import Request

from consumer.http.auth import session_cookie
from consumer.http.auth.authenticator import Authenticator, client_address
from consumer.http.auth.tokens import Token
from consumer.http.middleware.origin import require_own_page


async def sign_in(request: Request, token_text: str) -> tuple[Token, str]:
    """The token with this text, and the value of a `Set-Cookie` header with a session of it.

    Raises ProblemError: 401 for an unknown token, after a delay; 403 for a form of another site, which could
    sign a user in as somebody else; 404 if the service needs no tokens; 429 and 503 as for any request.
    """
    require_own_page(request.headers)
    authenticator: Authenticator = request.app.state.authenticator
    token, session = await authenticator.sign_in(token_text.strip(), client_address(request))
    return token, session_cookie.set_cookie(session, secure=session_cookie.came_by_tls(request))


def sign_out(request: Request) -> tuple[str, ...]:
    """Values of `Set-Cookie` headers, each in a header of its own, that end the sessions of this browser.

    Raises ProblemError (403) for a form of another site. A copy of the cookie elsewhere stays valid until its
    end, since sessions are not stored; removing or replacing the token ends all of its sessions.
    """
    require_own_page(request.headers)
    return session_cookie.delete_cookies()
