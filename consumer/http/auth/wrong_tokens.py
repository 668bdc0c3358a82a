"""Slows and limits requests with unknown tokens, and logs them."""

import asyncio
from collections.abc import Callable

import structlog

from consumer.http.auth import denials
from consumer.http.limits.limiters import LogBudget, Slots

log: structlog.stdlib.BoundLogger = structlog.get_logger("auth")

WRONG_TOKEN_DELAY_SECONDS = 1.0
"""Delay before an unknown token is rejected, which slows guessing; known tokens are never delayed."""
MAX_DELAYED_WRONG_TOKENS = 20
"""At once: otherwise clients without a token could hold any number of connections open."""


class WrongTokens:
    """The requests with unknown tokens that are being delayed. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._delayed = Slots(MAX_DELAYED_WRONG_TOKENS, denials.too_many_wrong_tokens)
        self._log_budget = LogBudget(clock=clock)

    async def delay(self, client: str | None) -> None:
        """Log the client, and wait; raises ProblemError (429) at once if too many wait."""
        if (suppressed := self._log_budget.take()) is not None:
            log.warning("auth.unknown_token", client=client, suppressed=suppressed)
        with self._delayed.hold():
            await asyncio.sleep(WRONG_TOKEN_DELAY_SECONDS)
