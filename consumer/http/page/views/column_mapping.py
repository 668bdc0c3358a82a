"""The form that maps columns of a source to missing fields, and the request that it makes."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.http.problem import FieldProblem, invalid_fields
from consumer.http.requests.bodies import validate_or_422
from consumer.store.jobs import Job
from schemas.codes import ErrorCode
from schemas.requests import StartRequest
from schemas.status import Status

FIELD_PREFIX = "field."
"""Begins the names of the form's selects; the field of the dataset follows."""


@dataclass(frozen=True, slots=True)
class MissingField:
    """A field without a column; `nearest` is the header that comes nearest, "" if none does."""

    field: str
    nearest: str


@dataclass(frozen=True, slots=True)
class SampledColumn:
    """A column with its first values; `field` is the one as which it is read, None if it is not."""

    column: str
    header: str
    field: str | None
    samples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MappingForm:
    """`headers_digest` identifies the set of headers, so that a choice is remembered for it."""

    missing: Sequence[MissingField]
    columns: Sequence[SampledColumn]
    left_out: int
    headers_digest: str


def mapping_form(sample: Mapping[str, Any]) -> MappingForm:
    """The form for a header sample, as in `consumer.sources.header_sample`."""
    columns = [
        SampledColumn(found["column"], found["header"], found["field"], tuple(found["samples"]))
        for found in sample["columns"]
    ]
    return MappingForm(
        missing=[MissingField(each["field"], each["nearest"] or "") for each in sample["missing"]],
        columns=columns,
        left_out=sample["left_out"],
        headers_digest=_digest(column.header for column in columns),
    )


def _digest(headers: Any) -> str:
    """The same for the same headers in any order."""
    text = json.dumps(sorted(set(headers)), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def can_map_columns(job: Job) -> bool:
    """Whether a new request may map columns: a correction has those of the job that it corrects."""
    is_missing = job.status is Status.FAILED and job.error_code == ErrorCode.MISSING_COLUMN
    return is_missing and job.corrects is None


def mapped_request(job: Job, request_id: str, form: Mapping[str, str]) -> StartRequest:
    """The request for the source of a job with the columns that the form maps; raises ProblemError (422)."""
    chosen = {name.removeprefix(FIELD_PREFIX): header for name, header in form.items() if header}
    columns = {**(job.source.get("columns") or {}), **_by_header(chosen)}
    return validate_or_422(
        StartRequest,
        {
            "action": "start",
            "request_id": request_id,
            "dataset": job.dataset,
            "source": {**job.source, "columns": columns},
            "options": dict(job.options),
        },
    )


def _by_header(chosen: Mapping[str, str]) -> dict[str, str]:
    """Header → field; raises ProblemError (422) if nothing is chosen, or one column for two fields."""
    columns = {header: field for field, header in chosen.items()}
    if not columns:
        raise invalid_fields([FieldProblem(field="columns", message="has no column: choose one")])
    if len(columns) < len(chosen):
        message = "has one column for two fields: choose another for one of them"
        raise invalid_fields([FieldProblem(field="columns", message=message)])
    return columns
