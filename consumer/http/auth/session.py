"""Signed sessions of signed-in users: the text of a session cookie. No I/O; `session_cookie` has the header.

A session is not stored anywhere. Its text names a token and an end, and the signature covers both and the
token's digest: a session ends with its token, also if another token takes its name, and its rights are those
that the token has now. Every replica with the same key accepts it.
"""

import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from consumer.http.auth.tokens import NAME_PATTERN, Token, TokenSet

SESSION_SECONDS = 12 * 3_600
CLOCK_TOLERANCE_SECONDS = 3_600
"""How far the clocks of replicas may differ. A session that ends later than a clock this far ahead could have
set is not accepted: otherwise a clock that was once years ahead would have issued sessions for years.
"""
MIN_KEY_BYTES = 32
VERSION = "v1"
PATTERN = re.compile(
    rf"{VERSION}\.(?P<name>{NAME_PATTERN.pattern})\.(?P<ends_at>[1-9][0-9]{{0,11}})\.[A-Za-z0-9_-]{{43}}"
)
"""Version, name of the token, end in seconds since 1970, signature. Names may contain full stops."""


@dataclass(frozen=True, slots=True)
class Session:
    """A verified session: its token as it is in the tokens file now, and its end in wall-clock seconds."""

    token: Token
    ends_at: int


class SessionSigner:
    """Issues and verifies the texts of sessions. `now` is wall-clock seconds: sessions outlive a process."""

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"a key of sessions has at least {MIN_KEY_BYTES} bytes")
        self._key = key

    @classmethod
    def with_random_key(cls) -> "SessionSigner":
        """A signer whose sessions no other process accepts."""
        return cls(secrets.token_bytes(MIN_KEY_BYTES))

    def issue(self, token: Token, now: float) -> str:
        """The text of a session of this token, which ends after SESSION_SECONDS."""
        return self._sign(token, int(now) + SESSION_SECONDS)

    def verify(self, text: str, tokens: TokenSet, now: float) -> Session | None:
        """The session with this text, or None if it is malformed, forged, over, or its token is gone."""
        match = PATTERN.fullmatch(text)
        if match is None or (token := tokens.find_named(match["name"])) is None:
            return None
        ends_at = int(match["ends_at"])
        # The whole text is compared: of a decoded signature, two bits of the last character are unused.
        if not hmac.compare_digest(self._sign(token, ends_at).encode(), text.encode()):
            return None
        latest_end = now + SESSION_SECONDS + CLOCK_TOLERANCE_SECONDS
        return Session(token, ends_at) if now < ends_at <= latest_end else None

    def _sign(self, token: Token, ends_at: int) -> str:
        signed = f"{VERSION}.{token.name}.{ends_at}"
        signature = hmac.digest(self._key, f"session:{signed}:".encode() + token.digest, "sha256")
        return f"{signed}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"
