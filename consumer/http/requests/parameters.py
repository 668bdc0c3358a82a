"""Who sends a POST, and under which headers: parameters that all of them have."""

from typing import Annotated

from fastapi import Depends, Header

from consumer.http.auth.authenticator import Caller, requires
from consumer.http.auth.tokens import Right
from consumer.http.requests.idempotency import ASCII_KEY_PATTERN

Actor = Annotated[Caller, Depends(requires(Right.ACT))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="The id of the request or command, as in the body: sent again under it, it acts once. "
        "It may stand in quotes, and hold other characters in UTF-8.",
        json_schema_extra={"pattern": ASCII_KEY_PATTERN},
        examples=["2026-11-chats"],
    ),
]
Traceparent = Annotated[
    str | None,
    Header(
        description="W3C trace context, passed on to the status events of the job; ignored where it is none",
        examples=["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
    ),
]


def resolve_requested_by(claimed: str | None, caller: Caller) -> str | None:
    """Who asks: the token's name. What clients say of themselves counts only where there are no tokens."""
    return claimed if caller.name is None else caller.name
