"""Entity tags: whoever polls gets 304 while nothing has changed (RFC 9110, 8.8.3 and 13.1.2)."""

import hashlib
from collections.abc import Iterable

from consumer.store.jobs import Job


def etag_of(jobs: Iterable[Job], *rest: object) -> str:
    """A weak tag of how some jobs are, and of what else decides the response.

    Weak, since rate and time left are recomputed at each request although nothing happened.
    """
    state = [(job.id, job.sequence, job.updated_at.isoformat(), job.cancel_requested) for job in jobs]
    return f'W/"{hashlib.sha256(repr((state, rest)).encode()).hexdigest()[:32]}"'


def matches(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this state already; weak comparison, as the RFC asks for GET."""
    if if_none_match is None:
        return False
    known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in known or etag.removeprefix("W/") in known
