"""Problems of a submission: id used for another request, command rejected, Kafka unavailable."""

from collections.abc import Sequence

from consumer.http.problem import FieldProblem, ProblemError
from consumer.store import recorded_requests
from consumer.store.commands import CommandDecision
from consumer.store.recorded_requests import RecordedRequest
from schemas.codes import ProblemCode
from schemas.requests import CancelRequest, MigrationRequest, RetryRequest, StartRequest

RETRY_AFTER_SECONDS = 5


def require_same_body(recorded: RecordedRequest, request: StartRequest) -> RecordedRequest:
    """Return the recorded request; raises ProblemError (409) if its body differs from `request`."""
    if recorded.digest == request.digest():
        return recorded
    raise id_reused_problem(
        request, recorded_requests.differences(recorded.job, request) if recorded.job else []
    )


def id_reused_problem(request: StartRequest, fields: Sequence[str]) -> ProblemError:
    """The 409 for an id that was recorded with another body; `fields` are the paths that differ, if known."""
    differing = ", ".join(fields) or "its dataset, source or options"
    return ProblemError(
        409,
        ProblemCode.REQUEST_ID_REUSED,
        f"Request id {request.request_id} belongs to another migration already: {differing} "
        "differ from what is recorded. Send this one under a new id.",
        errors=[
            FieldProblem(field=field, message="differs from what is recorded under this id")
            for field in fields
        ],
    )


def require_accepted(decision: CommandDecision, command: CancelRequest | RetryRequest) -> None:
    """Raise ProblemError (409) if intake rejected the command, or its id belongs to another command."""
    if (decision.request_id, decision.action) != (command.request_id, command.action):
        raise ProblemError(
            409,
            ProblemCode.COMMAND_ID_REUSED,
            f"Command id {command.command_id} was used for another command already. Send it under a new one.",
        )
    if not decision.accepted:
        reason = decision.rejection_reason or "it was refused when it first arrived"
        raise ProblemError(
            409,
            ProblemCode.COMMAND_REFUSED,
            f"The {command.action} of {command.request_id} is refused: {reason}.",
        )


def outcome_unknown_problem(request: MigrationRequest, code: ProblemCode, reason: str) -> ProblemError:
    """The 503 for a request that Kafka did not acknowledge; contains the id to send it under again."""
    return ProblemError(
        503,
        code,
        f"{reason}: whether Kafka has the request is not known; sending it again under the same id is safe.",
        retry_after=RETRY_AFTER_SECONDS,
        request_id=request.request_id if isinstance(request, StartRequest) else None,
        command_id=None if isinstance(request, StartRequest) else request.command_id,
    )


def kafka_unavailable_problem() -> ProblemError:
    """The 503 for a request that was not sent, because Kafka is known to be unavailable."""
    return ProblemError(
        503,
        ProblemCode.KAFKA_UNAVAILABLE,
        "Kafka cannot be reached right now: nothing was started.",
        retry_after=RETRY_AFTER_SECONDS,
    )
