"""Limits the rate of POSTs of each token."""

from collections.abc import Callable

from consumer.http.auth import denials
from consumer.http.auth.tokens import TokenSet
from consumer.http.limits.limiters import TokenBucket

POSTS_PER_SECOND, POST_BURST = 20, 20
"""For each token. Enough for a client that starts a job every second, too few for a runaway loop."""


class PostRates:
    """The POSTs of each token by its name. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    def count(self, name: str) -> None:
        """Count a POST of the token with this name; raises ProblemError (429) above the rate."""
        if (bucket := self._buckets.get(name)) is None:
            bucket = self._buckets[name] = TokenBucket(POSTS_PER_SECOND, POST_BURST, self._clock)
        if not bucket.try_take():
            raise denials.too_many_posts(POSTS_PER_SECOND, bucket.retry_after())

    def drop_revoked(self, tokens: TokenSet) -> None:
        """Delete the buckets of tokens that are not in the file any more, which bounds the memory."""
        if len(self._buckets) > len(tokens.known):
            names = {token.name for token in tokens.known}
            self._buckets = {name: bucket for name, bucket in self._buckets.items() if name in names}
