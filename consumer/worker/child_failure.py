"""What an error that the child reported means for the attempt: pure."""

from consumer.lifecycle import PermanentFailure, TransientFailure
from consumer.worker.batch_ingest import ExtractionFailedError
from schemas.codes import ErrorCode

RECHECK_MESSAGE = (
    "The file looks damaged or cut ({code}), and was changed just before it was read: perhaps it is still "
    "being written. It is read again; next time write it under another name, then rename it."
)


def outcome_of_failure(failure: ExtractionFailedError) -> PermanentFailure | TransientFailure:
    """How the attempt ends; a file that was changed just now is read again before its error is final."""
    if failure.transient:
        return TransientFailure(failure.code, failure.message, failure.retry_after, internal=failure.internal)
    if failure.recheck_after is not None:
        return TransientFailure(
            ErrorCode.SOURCE_CHANGED, RECHECK_MESSAGE.format(code=failure.code), failure.recheck_after
        )
    return PermanentFailure(failure.code, failure.message)
