"""What an error that the child reported means for the attempt: pure."""

from consumer.lifecycle import Refused, Stumbled
from consumer.worker.reading import ChildFailed
from schemas.codes import ErrorCode

RECHECK = (
    "The file looks damaged or cut ({code}), and was changed just before it was read: perhaps it is still "
    "being written. It is read again; next time write it under another name, then rename it."
)


def outcome_of(failure: ChildFailed) -> Refused | Stumbled:
    """How the attempt ends; a file that was changed just now is read again before its error is final."""
    if failure.transient:
        return Stumbled(failure.code, failure.message, failure.retry_after, ours=failure.ours)
    if failure.recheck_after is not None:
        return Stumbled(ErrorCode.SOURCE_CHANGED, RECHECK.format(code=failure.code), failure.recheck_after)
    return Refused(failure.code, failure.message)
