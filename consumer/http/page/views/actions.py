"""What a person may do with a job now, and the command whose effect the page waits for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from consumer.http.auth.authenticator import Caller
from consumer.http.auth.tokens import Right
from consumer.http.page.views.source import source_of
from consumer.store.jobs import Job
from schemas.codes import ErrorCode
from schemas.status import Status

Action = Literal["cancel", "retry"]
WRONG_FILE = frozenset(
    {
        ErrorCode.UPLOAD_INCOMPLETE,
        ErrorCode.UPLOAD_CORRUPT,
        ErrorCode.UPLOAD_EXPIRED,
        ErrorCode.NOT_A_WORKBOOK,
        ErrorCode.WORKBOOK_ENCRYPTED,
        ErrorCode.WORKBOOK_DAMAGED,
        ErrorCode.SHEET_NOT_FOUND,
        ErrorCode.NO_WORKSHEET,
        ErrorCode.NO_HEADER,
        ErrorCode.MISSING_COLUMN,
        ErrorCode.DUPLICATE_COLUMN,
        ErrorCode.NO_ROWS,
    }
)
"""The same upload fails with them again."""


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


def needs_another_file(job: Job) -> bool:
    """Whether a retry cannot help, since what was uploaded is at fault; a file of the inbox may be mended."""
    return job.status is Status.FAILED and job.error_code in WRONG_FILE and source_of(job).sha256 is not None


def needs_another_limit(job: Job) -> bool:
    """Whether a retry of the same rows needs a higher limit of rejected rows, which the page asks for."""
    return job.status is Status.FAILED and job.error_code == ErrorCode.TOO_MANY_REJECTS


def allowed_actions(job: Job, caller: Caller) -> tuple[Action, ...]:
    """The commands that the caller may give and that the job would accept."""
    if Right.ACT not in caller.rights:
        return ()
    if job.status in {Status.FAILED, Status.CANCELLED}:
        return ("retry",)
    if not job.status.terminal and not job.cancel_requested:
        return ("cancel",)
    return ()
