"""Checks a start request before it is published: its dataset exists, and `requested_by` is the caller."""

from collections.abc import Collection

from consumer.http.auth.authenticator import Caller
from consumer.http.problem import FieldProblem, invalid_fields
from consumer.http.requests.parameters import resolve_requested_by
from schemas.requests import StartRequest


def prepare_start(request: StartRequest, caller: Caller, datasets: Collection[str]) -> StartRequest:
    """The request with the caller as `requested_by`; raises ProblemError (422) for an unknown dataset."""
    require_dataset(request.dataset, datasets)
    return request.model_copy(update={"requested_by": resolve_requested_by(request.requested_by, caller)})


def require_dataset(name: str, datasets: Collection[str]) -> None:
    """Raise ProblemError (422) unless there is a dataset of this name."""
    if name not in datasets:
        known = ", ".join(sorted(datasets))
        message = f"there is no dataset of this name; this service knows: {known}"
        raise invalid_fields([FieldProblem(field="dataset", message=message)])
