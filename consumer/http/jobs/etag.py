"""Entity tags: a client that polls gets 304 while nothing has changed (RFC 9110, 8.8.3 and 13.1.2)."""

import hashlib
from collections.abc import Iterable

from consumer.store.jobs import Job


def etag_of(jobs: Iterable[Job], *rest: object) -> str:
    """A weak tag of the state of some jobs, and of any other values (`rest`) that the response depends on.

    Weak, because rate and remaining time are recomputed at each request.
    """
    state = [(job.id, job.sequence, job.updated_at.isoformat(), job.cancel_requested) for job in jobs]
    return f'W/"{hashlib.sha256(repr((state, rest)).encode()).hexdigest()[:32]}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this state already; weak comparison, as the RFC requires for GET."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
