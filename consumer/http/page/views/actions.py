"""What a person may do with a job now, and the command whose effect the page waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.store.jobs import Job
from schemas.status import Status

Action = Literal["cancel", "retry"]


@dataclass(frozen=True, slots=True)
class AskedCommand:
    """A command that was published from the page: what, when, and in which run of the job."""

    action: Action
    asked_at: datetime
    run: int

    def is_pending(self, job: Job) -> bool:
        """Whether the job does not show its effect yet."""
        if self.action == "cancel":
            return not job.status.terminal and job.run == self.run
        return job.run == self.run


def allowed_actions(job: Job, caller: Caller) -> tuple[Action, ...]:
    """The commands that the caller may give and that the job would accept."""
    if Right.ACT not in caller.rights:
        return ()
    if job.status in {Status.FAILED, Status.CANCELLED}:
        return ("retry",)
    if not job.status.terminal and not job.cancel_requested:
        return ("cancel",)
    return ()
