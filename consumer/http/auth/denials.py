"""The problems that deny a request: no valid token or session, a missing right, too many requests."""

from consumer.http.problem import ProblemError
from schemas.codes import ProblemCode

STATUSES = (401, 403, 429, 503)
"""Statuses that a guarded route may answer with."""
CHALLENGE_HEADERS = {"www-authenticate": 'Bearer realm="migration"'}
TOKENS_RETRY_SECONDS = 10


def token_needed() -> ProblemError:
    """The 401 for a request without a token."""
    return _unauthenticated("A token is needed: send the header `Authorization: Bearer TOKEN`.")


def unknown_token() -> ProblemError:
    """The 401 for a token that is not in the tokens file."""
    return _unauthenticated("The service does not know this token; ask its operator for a new one.")


def session_ended() -> ProblemError:
    """The 401 for a request with an invalid session cookie and no token."""
    return _unauthenticated(
        "The session has ended: sign in again, or send the header `Authorization: Bearer TOKEN`."
    )


def forbidden(name: str | None, right: str) -> ProblemError:
    """The 403 for a token of this name that lacks the right."""
    return ProblemError(
        403,
        ProblemCode.FORBIDDEN,
        f"The token «{name}» does not have the right `{right}`; its operator can add it.",
    )


def no_tokens() -> ProblemError:
    """The 404 for signing in to a service that needs no tokens."""
    return ProblemError(
        404, ProblemCode.NOT_FOUND, "This service needs no tokens, so there is nothing to sign in to."
    )


def too_many_wrong_tokens() -> ProblemError:
    """The 429 while too many requests with unknown tokens are being delayed."""
    return ProblemError(
        429,
        ProblemCode.TOO_MANY_REQUESTS,
        "Too many requests with unknown tokens are being answered; try again in a moment.",
        retry_after=1,
    )


def too_many_posts(posts_per_second: int, retry_after: int) -> ProblemError:
    """The 429 for a token that sends POSTs faster than this."""
    return ProblemError(
        429,
        ProblemCode.TOO_MANY_REQUESTS,
        f"This token has sent more than {posts_per_second} POSTs a second; send them more slowly.",
        retry_after=retry_after,
    )


def tokens_unreadable() -> ProblemError:
    """The 503 while the tokens file cannot be read or is invalid."""
    return ProblemError(
        503,
        ProblemCode.TOKENS_UNREADABLE,
        "The service cannot read its tokens file, so no token can be checked; its log says why.",
        retry_after=TOKENS_RETRY_SECONDS,
    )


def _unauthenticated(detail: str) -> ProblemError:
    return ProblemError(401, ProblemCode.UNAUTHENTICATED, detail, headers=CHALLENGE_HEADERS)
