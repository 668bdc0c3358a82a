"""Hooks of schemathesis for rules that a schema cannot express. `schemathesis.toml` loads them.

* A valid request names an existing job: random ids would always be answered with 404.
* A valid request has one unused id: header and field must not differ, and an id belongs to one body
  permanently.
* Every response is recorded, for the share of valid POSTs that are accepted.
* The offsets of an upload span all of its chunks.
* The field `columns` of a form is JSON.
* A valid file is not empty: JSON Schema cannot express the length of binary parts.

Cases of the stateful phase get the ids of jobs from links.
"""

import json
import os
from pathlib import Path
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response

from schemas.integers import MAX_OFFSET
from tests.fuzz.jobs import JobFactory

JOB_PATHS = "/migration/jobs/{id}"
IDEMPOTENCY_HEADER = "Idempotency-Key"
UNKNOWN_JOB_EVERY = 5
"""Every n-th case keeps its random id, so that 404 is covered too."""
MAX_CHUNKS = 1_000_000

jobs = JobFactory(os.environ["FUZZ_URL"], os.environ["FUZZ_HELPER_TOKEN"], os.environ["FUZZ_ENDED_JOB"])
responses_path = Path(os.environ["FUZZ_RESPONSES"])


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Put an existing job and one id into valid cases."""
    if not _is_positive(case):
        return
    phase = _phase(case)
    _use_one_id(case)
    if isinstance(case.body, dict):
        _fix_body(case.body)
    if phase != "stateful":
        _use_real_jobs(case)
    # Otherwise `meta` would be computed again, and regard a form with a file of bytes as invalid.
    case._record_starting_state()


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Record the response."""
    record = {
        "operation": case.operation.definition.raw["operationId"],
        "method": case.operation.method.upper(),
        "positive": _is_positive(case),
        "phase": _phase(case),
        "status": response.status_code,
    }
    with responses_path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def _is_positive(case: Case[Any]) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive


def _phase(case: Case[Any]) -> str:
    return "" if case.meta is None else case.meta.phase.name.value.lower()


def _use_real_jobs(case: Case[Any]) -> None:
    operation = case.operation.definition.raw["operationId"]
    if operation == "cancelJob":
        case.path_parameters["id"] = jobs.make_pending()
    elif operation == "retryJob":
        case.path_parameters["id"] = jobs.make_cancelled()
    elif case.operation.path.startswith(JOB_PATHS) and not jobs.every_nth(UNKNOWN_JOB_EVERY):
        case.path_parameters["id"] = jobs.ended_request_id
    if isinstance(case.body, dict) and case.body.get("action") == "cancel":
        case.body["request_id"] = jobs.make_pending()
    if isinstance(case.body, dict) and case.body.get("action") == "retry":
        case.body["request_id"] = jobs.make_cancelled()


def _fix_body(body: dict[str, Any]) -> None:
    if isinstance(body.get("columns"), str):
        body["columns"] = body["columns"] and '{"Ссылка MAX": "url"}'
    if "file" in body and not getattr(body["file"], "data", body["file"]):
        body["file"] = b"a workbook"
    _cap_chunks(body)


def _cap_chunks(body: dict[str, Any]) -> None:
    match body:
        case {"source": {"file": {"upload": {"first_offset": first, "chunks": chunks} as upload}}}:
            chunks = min(int(chunks), MAX_CHUNKS)
            upload |= {"chunks": chunks, "first_offset": min(int(first), MAX_OFFSET - MAX_CHUNKS)}
            upload["last_offset"] = max(upload["last_offset"], upload["first_offset"] + chunks - 1)
        case _:
            pass


def _use_one_id(case: Case[Any]) -> None:
    body = case.body if isinstance(case.body, dict) else {}
    if body.get(_id_field(case, body)) is not None:
        case.headers.pop(IDEMPOTENCY_HEADER, None)
        body[_id_field(case, body)] = jobs.fresh_request_id(str(body[_id_field(case, body)]))
    elif IDEMPOTENCY_HEADER in case.headers:
        case.headers[IDEMPOTENCY_HEADER] = jobs.fresh_request_id(str(case.headers[IDEMPOTENCY_HEADER]))


def _id_field(case: Case[Any], body: dict[str, Any]) -> str:
    operation = case.operation.definition.raw["operationId"]
    is_command = operation in {"cancelJob", "retryJob"} or body.get("action") in {"cancel", "retry"}
    return "command_id" if is_command else "request_id"
