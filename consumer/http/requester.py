"""Who sends a POST, and under which headers: parameters that all of them have."""

from typing import Annotated

from fastapi import Depends, Header

from consumer.http.access import Identity, requires
from consumer.http.tokens import Right

Actor = Annotated[Identity, Depends(requires(Right.ACT))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="the id of the request or command, as in the body: sent again under it, it acts once",
    ),
]
Traceparent = Annotated[
    str | None, Header(description="W3C trace context, passed on to the status events of the job")
]


def requested_by(claimed: str | None, who: Identity) -> str | None:
    """Who asks: the token's name. What clients say of themselves counts only where there are no tokens."""
    return claimed if who.name is None else who.name
