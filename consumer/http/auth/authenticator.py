"""Authentication and authorisation: `requires(Right.READ)` guards a route and returns the caller."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import structlog
from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from consumer.http.auth.token_file import TokenFile, TokensUnreadableError
from consumer.http.auth.tokens import Right, TokenSet
from consumer.http.limits.limiters import LogBudget, Slots, TokenBucket
from consumer.http.problem import ProblemError, problem_responses
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("auth")

Clock = Callable[[], float]

WRONG_TOKEN_DELAY_SECONDS = 1.0
"""Delay before an unknown token is rejected, which slows guessing; known tokens are never delayed."""
MAX_DELAYED_WRONG_TOKENS = 20
"""At once: otherwise clients without a token could hold any number of connections open."""
POSTS_PER_SECOND, POST_BURST = 20, 20
"""For each token. Enough for a client that starts a job every second, too few for a runaway loop."""
TOKENS_RETRY_SECONDS = 10
CHALLENGE_HEADERS = {"www-authenticate": 'Bearer realm="migration"'}
BEARER_SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `MIGRATION_HTTP_TOKENS_FILE`, made by `migration-consumer token`. Each operation "
    "names the right it needs: `read`, `rows` (personal data) or `act`. "
    "If the service has no such file, no token is needed.",
)
DENIAL_STATUSES = (401, 403, 429, 503)
GRANTED_SCOPE_KEY = "consumer.http.auth.authenticator.granted"
"""Key in the ASGI scope of a request: right → the caller for whom it was checked."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: name and rights of the token. The name is None if the service has no tokens.

    `digest` distinguishes the token from a later one of the same name.
    """

    name: str | None
    rights: frozenset[Right]
    digest: bytes = b""


ANONYMOUS = Caller(None, frozenset(Right))
"""Every caller, if the service has no tokens file."""


class Authenticator:
    """Checks tokens against a file. `clock` returns monotonic seconds."""

    def __init__(self, file: TokenFile | None = None, clock: Clock = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._delayed = Slots(MAX_DELAYED_WRONG_TOKENS, _too_many_wrong_tokens)
        self._post_buckets: dict[str, TokenBucket] = {}
        self._log_budget = LogBudget(clock=clock)

    async def authenticate(self, token_text: str | None, client: str | None) -> Caller:
        """The caller with this token; raises ProblemError (401, 429, 503). `client` is logged."""
        if self._file is None:
            return ANONYMOUS
        tokens = _current_tokens(self._file)
        if token_text is None:
            raise _unauthenticated("A token is needed: send the header `Authorization: Bearer TOKEN`.")
        if (token := tokens.find(token_text)) is None:
            await self._reject_unknown_token(client)
            raise _unauthenticated("The service does not know this token; ask its operator for a new one.")
        self._drop_revoked(tokens)
        return Caller(token.name, token.rights, token.digest)

    @property
    def enforced(self) -> bool:
        """Whether the service requires tokens."""
        return self._file is not None

    def still_allows(self, caller: Caller, right: Right) -> bool:
        """Whether the caller's token still has the right; for responses that last."""
        if self._file is None:
            return True
        try:
            known = self._file.current().known
        except TokensUnreadableError:
            return False
        return any(token.digest == caller.digest and right in token.rights for token in known)

    def count_post(self, caller: Caller) -> None:
        """Count a POST of this token; raises ProblemError (429) above the rate."""
        if caller.name is None:
            return
        if (bucket := self._post_buckets.get(caller.name)) is None:
            bucket = self._post_buckets[caller.name] = TokenBucket(POSTS_PER_SECOND, POST_BURST, self._clock)
        if not bucket.try_take():
            raise ProblemError(
                429,
                ProblemCode.TOO_MANY_REQUESTS,
                f"This token has sent more than {POSTS_PER_SECOND} POSTs a second; send them more slowly.",
                retry_after=bucket.retry_after(),
            )

    async def _reject_unknown_token(self, client: str | None) -> None:
        if (suppressed := self._log_budget.take()) is not None:
            log.warning("auth.unknown_token", client=client, suppressed=suppressed)
        with self._delayed.hold():
            await asyncio.sleep(WRONG_TOKEN_DELAY_SECONDS)

    def _drop_revoked(self, tokens: TokenSet) -> None:
        """Delete the buckets of tokens that are not in the file any more, which bounds the memory."""
        if len(self._post_buckets) > len(tokens.known):
            names = {token.name for token in tokens.known}
            self._post_buckets = {
                name: bucket for name, bucket in self._post_buckets.items() if name in names
            }


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
    caller = await authenticator.authenticate(token_text, request.client.host if request.client else None)
    if right not in caller.rights:
        raise _forbidden(caller, right)
    if request.method == "POST":
        authenticator.count_post(caller)
    return caller


def auth_responses() -> dict[int | str, dict[str, Any]]:
    """OpenAPI `responses` of a route guarded by `requires`."""
    return problem_responses(*DENIAL_STATUSES)


def _current_tokens(file: TokenFile) -> TokenSet:
    try:
        return file.current()
    except TokensUnreadableError:
        raise ProblemError(
            503,
            ProblemCode.TOKENS_UNREADABLE,
            "The service cannot read its tokens file, so no token can be checked; its log says why.",
            retry_after=TOKENS_RETRY_SECONDS,
        ) from None


def _too_many_wrong_tokens() -> ProblemError:
    return ProblemError(
        429,
        ProblemCode.TOO_MANY_REQUESTS,
        "Too many requests with unknown tokens are being answered; try again in a moment.",
        retry_after=1,
    )


def _unauthenticated(detail: str) -> ProblemError:
    return ProblemError(401, ProblemCode.UNAUTHENTICATED, detail, headers=CHALLENGE_HEADERS)


def _forbidden(caller: Caller, right: Right) -> ProblemError:
    return ProblemError(
        403,
        ProblemCode.FORBIDDEN,
        f"The token «{caller.name}» does not have the right `{right}`; its operator can add it.",
    )
