"""Who may do what: `requires(Right.READ)` guards a route and says who asks."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import structlog
from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from consumer.http.limits import LogBudget, NoSlotFreeError, Slots, TokenBucket
from consumer.http.problem import ProblemError, documented
from consumer.http.token_file import TokenFile, TokensUnreadableError
from consumer.http.tokens import Right, Tokens
from schemas.codes import ProblemCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("access")

Clock = Callable[[], float]

WRONG_TOKEN_DELAY_SECONDS = 1.0
"""What a wrong token costs, so that guessing is slow; a right one is never delayed."""
WRONG_TOKENS_WAITING = 20
"""At once; more would be a way to hold connections open without a token."""
POSTS_PER_SECOND, POST_BURST = 20, 20
"""For each token. The sender of a job a second is far below; a loop that ran away is not."""
TOKENS_RETRY_SECONDS = 10
CHALLENGE = {"www-authenticate": 'Bearer realm="migration"'}
SCHEME = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of `MIGRATION_HTTP_TOKENS_FILE`, made by `migration-consumer token`. Each operation "
    "names the right it needs: `read`, `rows` (personal data) or `act`. "
    "Where the service has no such file, no token is asked for.",
)
DENIED = (401, 403, 429, 503)
GRANTED = "consumer.http.access.granted"
"""Key in the scope of a request: the identities that were checked for it, by right."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the name of the token, None where the service has no tokens, and what it may do.

    `digest` tells a token from another one that was given the same name later.
    """

    name: str | None
    rights: frozenset[Right]
    digest: bytes = b""


ANYBODY = Identity(None, frozenset(Right))
"""Everybody, where the service has no tokens file."""


class Access:
    """Checks tokens against a file. `clock` gives seconds, monotonic."""

    def __init__(self, file: TokenFile | None = None, clock: Clock = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._delayed = Slots(WRONG_TOKENS_WAITING)
        self._posts: dict[str, TokenBucket] = {}
        self._log_budget = LogBudget(clock=clock)

    async def identify(self, text: str | None, client: str | None) -> Identity:
        """Whose token this is; raises ProblemError (401, 429, 503). `client` is the address, for the log."""
        if self._file is None:
            return ANYBODY
        tokens = _current(self._file)
        if text is None:
            raise _unauthenticated("A token is needed: send the header `Authorization: Bearer TOKEN`.")
        if (token := tokens.find(text)) is None:
            await self._refuse(client)
            raise _unauthenticated("The service does not know this token; ask its operator for a new one.")
        self._forget_withdrawn(tokens)
        return Identity(token.name, token.rights, token.digest)

    @property
    def enforced(self) -> bool:
        """Whether the service asks for tokens at all."""
        return self._file is not None

    def still_allows(self, identity: Identity, right: Right) -> bool:
        """Whether an authenticated token has the right at this moment; for responses that last."""
        if self._file is None:
            return True
        try:
            known = self._file.current().known
        except TokensUnreadableError:
            return False
        return any(token.digest == identity.digest and right in token.rights for token in known)

    def count_post(self, identity: Identity) -> None:
        """Count a POST of this token; raises ProblemError (429) beyond its rate."""
        if identity.name is None:
            return
        if (bucket := self._posts.get(identity.name)) is None:
            bucket = self._posts[identity.name] = TokenBucket(POSTS_PER_SECOND, POST_BURST, self._clock)
        if not bucket.try_take():
            raise ProblemError(
                429,
                ProblemCode.TOO_MANY_REQUESTS,
                f"This token has sent more than {POSTS_PER_SECOND} POSTs a second; send them more slowly.",
                retry_after=bucket.retry_after(),
            )

    async def _refuse(self, client: str | None) -> None:
        if (suppressed := self._log_budget.take()) is not None:
            log.warning("access.unknown_token", client=client, suppressed=suppressed)
        try:
            with self._delayed.hold():
                await asyncio.sleep(WRONG_TOKEN_DELAY_SECONDS)
        except NoSlotFreeError:
            raise ProblemError(
                429,
                ProblemCode.TOO_MANY_REQUESTS,
                "Too many requests with unknown tokens are being answered; try again in a moment.",
                retry_after=1,
            ) from None

    def _forget_withdrawn(self, tokens: Tokens) -> None:
        """Bounds the memory: a bucket lives as long as its token is in the file."""
        if len(self._posts) > len(tokens.known):
            names = {token.name for token in tokens.known}
            self._posts = {name: bucket for name, bucket in self._posts.items() if name in names}


@cache
def requires(right: Right) -> Callable[..., Awaitable[Identity]]:
    """A FastAPI dependency: who asks, where their token has this right; else a problem (401, 403, 429, 503).

    It reads `app.state.access`, which `make_app` sets. POSTs count against the rate of their token.
    """

    async def identity(
        request: Request,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Security(SCHEME, scopes=[right])],
    ) -> Identity:
        granted: dict[Right, Identity] = request.scope.setdefault(GRANTED, {})
        if right not in granted:  # a GuardedRoute has asked before the body was read
            granted[right] = await _grant(request, credentials, right)
        return granted[right]

    return identity


async def _grant(
    request: Request, credentials: HTTPAuthorizationCredentials | None, right: Right
) -> Identity:
    access: Access = request.app.state.access
    text = None if credentials is None else credentials.credentials.strip()
    found = await access.identify(text, request.client.host if request.client else None)
    if right not in found.rights:
        raise _forbidden(found, right)
    if request.method == "POST":
        access.count_post(found)
    return found


def denials() -> dict[int | str, dict[str, Any]]:
    """The `responses` in OpenAPI of a route that is guarded by `requires`."""
    return documented(*DENIED)


def _current(file: TokenFile) -> Tokens:
    try:
        return file.current()
    except TokensUnreadableError:
        raise ProblemError(
            503,
            ProblemCode.TOKENS_UNREADABLE,
            "The service cannot read its tokens file, so no token can be checked; its log says why.",
            retry_after=TOKENS_RETRY_SECONDS,
        ) from None


def _unauthenticated(sentence: str) -> ProblemError:
    return ProblemError(401, ProblemCode.UNAUTHENTICATED, sentence, headers=CHALLENGE)


def _forbidden(identity: Identity, right: Right) -> ProblemError:
    return ProblemError(
        403,
        ProblemCode.FORBIDDEN,
        f"The token «{identity.name}» does not have the right `{right}`; its operator can add it.",
    )
