"""The fields in which a request differs from the recorded one."""

import itertools
from typing import Any

import pytest

from consumer.store.recorded_requests import differences
from schemas.requests import StartRequest
from tests.support.jobs import make_pending_job

UPLOAD = {
    "upload_id": "u-1",
    "partition": 0,
    "first_offset": 0,
    "last_offset": 9,
    "chunks": 2,
    "size": 600_000,
    "sha256": "a" * 64,
    "name": "chats.xlsx",
}


def _body(source: dict[str, Any], **more: Any) -> StartRequest:
    return StartRequest.model_validate({"action": "start", "dataset": "chats", "source": source, **more})


def _uploaded(sheet: str | None = None, **changes: Any) -> dict[str, Any]:
    return {"type": "excel", "file": {"upload": UPLOAD | changes}, "sheet": sheet}


BODIES = {
    "upload": _body(_uploaded()),
    "upload elsewhere": _body(_uploaded(upload_id="u-2", partition=3, first_offset=70, last_offset=90)),
    "upload of another file": _body(_uploaded(size=7, sha256="b" * 64, chunks=1)),
    "upload of another name": _body(_uploaded(name="other.xlsx")),
    "another sheet": _body(_uploaded("Чаты")),
    "inbox": _body({"type": "excel", "file": {"path": "chats.xlsx"}}),
    "other inbox file": _body({"type": "excel", "file": {"path": "b.xlsx"}}),
    "database": _body({"type": "database", "connection": "crm"}),
    "database table": _body({"type": "database", "connection": "crm", "table": "chats2"}),
    "sheet": _body({"type": "google_sheets", "spreadsheet_id": "s-1"}),
    "worksheet": _body({"type": "google_sheets", "spreadsheet_id": "s-1", "worksheet": "w"}),
    "other dataset": _body(_uploaded(), dataset="students"),
    "timeout": _body(_uploaded(), options={"timeout_seconds": 60}),
    "attempts": _body(_uploaded(), options={"max_attempts": 1}),
    "requested by": _body(_uploaded(), requested_by="petrov", request_id="r-1"),
}

NAMED = [
    ("upload", "upload elsewhere", []),
    ("upload", "requested by", []),
    ("upload", "upload of another file", ["source.file.sha256", "source.file.size"]),
    ("upload", "upload of another name", ["source.file.name"]),
    ("upload", "another sheet", ["source.sheet"]),
    ("upload", "inbox", ["source.file"]),
    ("inbox", "other inbox file", ["source.file.path"]),
    ("upload", "database", ["source.type"]),
    ("database", "sheet", ["source.type"]),
    ("database", "database table", ["source.table"]),
    ("sheet", "worksheet", ["source.worksheet"]),
    ("upload", "other dataset", ["dataset"]),
    ("upload", "timeout", ["options.timeout_seconds"]),
    ("timeout", "attempts", ["options.max_attempts", "options.timeout_seconds"]),
    ("database", "other dataset", ["dataset", "source.type"]),
    ("database", "timeout", ["source.type", "options.timeout_seconds"]),
]


@pytest.mark.parametrize(("recorded", "received", "named"), NAMED)
def test_differing_fields_are_named(recorded: str, received: str, named: list[str]) -> None:
    assert differences(make_pending_job(BODIES[recorded]), BODIES[received]) == named


@pytest.mark.parametrize(("recorded", "received"), [*itertools.product(BODIES, repeat=2)])
def test_no_field_differs_if_and_only_if_digests_match(recorded: str, received: str) -> None:
    different = differences(make_pending_job(BODIES[recorded]), BODIES[received])
    assert (different == []) == (BODIES[recorded].digest() == BODIES[received].digest())
