"""What a job waits for: values of the `detail` of its status. The page has a text for each."""

from typing import Final

WAITING_FOR_QUOTA: Final = "waiting for quota"
"""A call waits for a rate limit."""
WAITING_FOR_NEXT_ATTEMPT: Final = "waiting for the next attempt"
"""A transient error, or an internal outage, ended an attempt."""
