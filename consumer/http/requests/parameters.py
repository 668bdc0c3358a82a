"""Parameters that all POSTs share: the caller, and the headers `Idempotency-Key` and `traceparent`."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from consumer.http.auth.authenticator import Caller, requires
from consumer.http.auth.tokens import Right
from consumer.http.requests.idempotency import ASCII_KEY_PATTERN

Actor = Annotated[Caller, Depends(requires(Right.ACT))]
"""The caller of a POST, who must have the right `act`."""
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The id of the request or command, as in the body: sent again under it, it acts once. "
        "It may be in quotes, and contain other characters in UTF-8.",
        json_schema_extra={"pattern": ASCII_KEY_PATTERN},
        examples=["2026-11-chats"],
    ),
]
Traceparent = Annotated[
    str | None,
    Header(
        description="W3C trace context, passed on to the status events of the job; ignored if it is invalid",
        examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ),
]


@dataclass(frozen=True, slots=True)
class PostHeaders:
    """The headers that every POST may have."""

    key: IdempotencyKey = None
    traceparent: Traceparent = None


Headers = Annotated[PostHeaders, Depends()]
"""`PostHeaders` as a parameter of a route."""


def resolve_requested_by(claimed: str | None, caller: Caller) -> str | None:
    """Who asked: the token's name. The client's own claim counts only if the service has no tokens."""
    return claimed if caller.name is None else caller.name
