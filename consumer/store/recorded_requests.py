"""Recorded start requests, and the fields in which another request under the same id differs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.store.connect import Connection
from consumer.store.jobs import JOB_COLUMNS, Job, job_from_row
from schemas.new_fields import dump_used
from schemas.requests import StartRequest
from schemas.status import StatusEvent
from schemas.text import is_printable


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A recorded request. `digest` is StartRequest.digest() of its body.

    Either `job` is its job or, if that was deleted, `last_event` its last event.
    """

    digest: str
    job: Job | None = None
    last_event: StatusEvent | None = None


FIND_JOB = f"select {JOB_COLUMNS} from migration.jobs where request_id = $1"  # noqa: S608 – names of columns
FIND_ARCHIVED = "select request_digest, payload from migration.archived_requests where request_id = $1"


async def find_recorded(connection: Connection, request_id: str) -> RecordedRequest | None:
    """The job of a request id, or the last event of a deleted job; None for an unknown id.

    The job is read first: a request is archived in the transaction that deletes its job.
    """
    if not is_printable(request_id):
        return None
    if (row := await connection.fetchrow(FIND_JOB, request_id)) is not None:
        job = job_from_row(row)
        return RecordedRequest(job.request_digest, job=job)
    if (row := await connection.fetchrow(FIND_ARCHIVED, request_id)) is not None:
        last_event = StatusEvent.model_validate_json(row["payload"])
        return RecordedRequest(row["request_digest"], last_event=last_event)
    return None


FIND_DIGESTS = """
select request_id, request_digest from migration.jobs where request_id = any($1::text[])
union all
select request_id, request_digest from migration.archived_requests where request_id = any($1::text[])
"""


async def recorded_digests(connection: Connection, request_ids: Sequence[str]) -> dict[str, str]:
    """Digests of recorded requests by request id, also of deleted jobs; unknown ids are left out."""
    return {row[0]: row[1] for row in await connection.fetch(FIND_DIGESTS, request_ids)}


def differences(job: Job, request: StartRequest) -> list[str]:
    """Paths of the fields in which a request differs from the recorded one, such as `source.file.sha256`.

    Empty exactly when the digests are equal.
    """
    recorded = {"dataset": job.dataset, "source": _comparable(job.source)}
    received = {"dataset": request.dataset, "source": _comparable(dump_used(request.source))}
    if job.corrects is not None:
        recorded["corrects"] = {"request_id": job.corrects["request_id"]}
    if request.corrects is not None:
        received["corrects"] = {"request_id": request.corrects.request_id}
    options = dump_used(request.options)
    return [*_differing_paths(recorded, received), *_differing_paths(job.options, options, "options")]


def _comparable(source: Mapping[str, Any]) -> dict[str, Any]:
    """A source without the position of an upload's chunks, which StartRequest.digest() leaves out as well."""
    match source:
        case {"file": {"upload": {"name": name, "size": size, "sha256": sha256}}, **rest}:
            return {**rest, "file": {"name": name, "size": size, "sha256": sha256}}
        case _:
            return dict(source)


_MISSING = object()


def _differing_paths(recorded: Any, received: Any, path: str = "") -> Iterator[str]:
    """Paths of values that differ; two alternatives (source types, or a path and an upload) count as one."""
    if not isinstance(recorded, Mapping) or not isinstance(received, Mapping):
        if recorded != received:
            yield path
    elif recorded.get("type") != received.get("type"):
        yield f"{path}.type"
    elif recorded.keys().isdisjoint(received):
        yield path
    else:
        for name in sorted(recorded.keys() | received.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _differing_paths(recorded.get(name, _MISSING), received.get(name, _MISSING), inner)
