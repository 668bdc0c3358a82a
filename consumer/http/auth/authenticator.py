"""Authentication and authorisation: `requires(Right.READ)` guards a route and returns the caller.

A request proves its caller by a token in `Authorization: Bearer`, or else by the session cookie of the page.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from consumer.http.auth import denials
from consumer.http.auth.post_rates import PostRates
from consumer.http.auth.session import SessionSigner
from consumer.http.auth.session_cookie import read_cookie
from consumer.http.auth.token_file import TokenFile, TokensUnreadableError
from consumer.http.auth.tokens import Right, Token, TokenSet
from consumer.http.auth.wrong_tokens import WrongTokens
from consumer.http.middleware.origin import SAFE_METHODS, require_own_page
from consumer.http.problem import problem_responses

Clock = Callable[[], float]

BEARER_SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `MIGRATION_HTTP_TOKENS_FILE`, made by `migration-consumer token`. Each operation "
    "names the right it needs: `read`, `rows` (personal data) or `act`. "
    "If the service has no such file, no token is needed.",
)
GRANTED_SCOPE_KEY = "consumer.http.auth.authenticator.granted"
"""Key in the ASGI scope of a request: right → the caller for whom it was checked."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: name and rights of the token. The name is None if the service has no tokens.

    `digest` distinguishes the token from a later one of the same name. `session_ends_at` is the end of the
    caller's session in wall-clock seconds; None if the request itself has the token.
    """

    name: str | None
    rights: frozenset[Right]
    digest: bytes = b""
    session_ends_at: int | None = None


ANONYMOUS = Caller(None, frozenset(Right))
"""Every caller, if the service has no tokens file."""


class Authenticator:
    """Checks tokens and sessions against a tokens file.

    `clock` returns monotonic seconds, `wall_clock` seconds since 1970. Without a `signer`, sessions end with
    the process.
    """

    def __init__(
        self,
        file: TokenFile | None = None,
        signer: SessionSigner | None = None,
        *,
        clock: Clock = time.monotonic,
        wall_clock: Clock = time.time,
    ) -> None:
        self._file = file
        self._signer = signer or SessionSigner.with_random_key()
        self._wall_clock = wall_clock
        self._post_rates = PostRates(clock)
        self._wrong_tokens = WrongTokens(clock)

    async def authenticate(
        self, token_text: str | None, client: str | None, session_text: str | None = None
    ) -> Caller:
        """The caller with this token, or without one the caller with this session; `client` is logged.

        Raises ProblemError (401, 429, 503). Unknown tokens are delayed; an invalid session counts as none.
        """
        if self._file is None:
            return ANONYMOUS
        tokens = self._current_tokens(self._file)
        if token_text is not None:
            return _caller(await self._find(tokens, token_text, client))
        if session_text is None:
            raise denials.token_needed()
        session = self._signer.verify(session_text, tokens, self._wall_clock())
        if session is None:
            raise denials.session_ended()
        return _caller(session.token, session.ends_at)

    async def sign_in(self, token_text: str, client: str | None) -> tuple[Token, str]:
        """The token with this text, and the text of a new session of it.

        Raises ProblemError: 404 if the service needs no tokens; 401, 429, 503 as `authenticate`.
        """
        if self._file is None:
            raise denials.no_tokens()
        token = await self._find(self._current_tokens(self._file), token_text, client)
        self._post_rates.count(token.name)
        return token, self._signer.issue(token, self._wall_clock())

    @property
    def enforced(self) -> bool:
        """Whether the service requires tokens."""
        return self._file is not None

    def still_allows(self, caller: Caller, right: Right) -> bool:
        """Whether the caller's token still has the right, and the session lasts; for responses that last."""
        if self._file is None:
            return True
        if caller.session_ends_at is not None and self._wall_clock() >= caller.session_ends_at:
            return False
        try:
            known = self._file.current().known
        except TokensUnreadableError:
            return False
        return any(token.digest == caller.digest and right in token.rights for token in known)

    def count_post(self, caller: Caller) -> None:
        """Count a POST of this token; raises ProblemError (429) above the rate."""
        if caller.name is not None:
            self._post_rates.count(caller.name)

    def _current_tokens(self, file: TokenFile) -> TokenSet:
        try:
            tokens = file.current()
        except TokensUnreadableError:
            raise denials.tokens_unreadable() from None
        self._post_rates.drop_revoked(tokens)
        return tokens

    async def _find(self, tokens: TokenSet, token_text: str, client: str | None) -> Token:
        if (token := tokens.find(token_text)) is None:
            await self._wrong_tokens.delay(client)
            raise denials.unknown_token()
        return token


def _caller(token: Token, session_ends_at: int | None = None) -> Caller:
    return Caller(token.name, token.rights, token.digest, session_ends_at)


@cache
def requires(right: Right) -> Callable[..., Awaitable[Caller]]:
    """A FastAPI dependency that returns the caller; raises ProblemError (401, 403, 429, 503).

    It reads `app.state.authenticator`, which `make_app` sets. POSTs count against the rate of their token.
    """

    async def authorize(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(BEARER_SCHEME, scopes=[right])],
    ) -> Caller:
        granted: dict[Right, Caller] = request.scope.setdefault(GRANTED_SCOPE_KEY, {})
        if right not in granted:  # a GuardedRoute has checked it before it read the body
            granted[right] = await _authorize(request, credentials, right)
        return granted[right]

    return authorize


async def _authorize(
    request: Request, credentials: HTTPAuthorizationCredentials | None, right: Right
) -> Caller:
    authenticator: Authenticator = request.app.state.authenticator
    token_text = None if credentials is None else credentials.credentials.strip()
    caller = await authenticator.authenticate(
        token_text, client_address(request), read_cookie(request.headers)
    )
    if caller.session_ends_at is not None and request.method not in SAFE_METHODS:
        require_own_page(request.headers)  # browsers add the cookie to requests of other pages, too
    if right not in caller.rights:
        raise denials.forbidden(caller.name, right)
    if request.method == "POST":
        authenticator.count_post(caller)
    return caller


def client_address(request: Request) -> str | None:
    """The address of the client for the log: that of the peer, which may be a proxy."""
    return request.client.host if request.client else None


def auth_responses() -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` of a route guarded by `requires`."""
    return problem_responses(*denials.STATUSES)
