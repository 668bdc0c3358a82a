"""What a job waits for: values of the `detail` of its status. The page has a text for each."""

from collections.abc import Iterable
from typing import Final

WAITING_FOR_QUOTA: Final = "waiting for quota"
"""A call waits for a rate limit."""
WAITING_FOR_NEXT_ATTEMPT: Final = "waiting for the next attempt"
"""A transient error, or an internal outage, ended an attempt."""
WAITING_FOR_VERSION: Final = "waiting for a replica of a later version"
"""The job needs what the replicas that see it do not know; its detail goes on with the names."""


def waiting_for_version(needs: Iterable[str]) -> str:
    """The detail of a job that waits for a replica that knows `needs`; the beginning of it without any."""
    names = ", ".join(needs)
    return f"{WAITING_FOR_VERSION}, which knows {names}" if names else WAITING_FOR_VERSION
