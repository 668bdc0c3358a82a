"""Example messages for the generated documents; a test validates them with the models."""

from typing import Any

START: dict[str, Any] = {
    "request_id": "0d3c8f52-5b0e-4b8e-9f3a-6f1f0c6f7a11",
    "action": "start",
    "dataset": "chats",
    "source": {"type": "excel", "file": {"path": "chats.xlsx"}, "sheet": "Чаты"},
    "options": {"timeout_seconds": 7200, "max_attempts": 3},
    "requested_by": "ivanova",
}

UPLOAD: dict[str, Any] = {
    "upload_id": "5e458136-de0f-4c32-a235-d117c6d53e2f",
    "partition": 2,
    "first_offset": 0,
    "last_offset": 28,
    "chunks": 29,
    "size": 15_000_000,
    "sha256": "31b98e218c17b0be8fb37addee1b5361f5c3366b51237b17e5f89f7be0004e53",
    "name": "чаты.xlsx",
}

START_UPLOADED: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "excel", "file": {"upload": UPLOAD}},
}

START_DATABASE: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "database", "connection": "old-admin", "table": "public.chats"},
}

START_SHEETS: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "google_sheets", "spreadsheet_id": "1AbC-dEf_123", "worksheet": "Чаты"},
}

START_DRY_RUN: dict[str, Any] = {**START_DATABASE, "options": {"dry_run": True}}
START_ALL_OR_NOTHING: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "excel", "file": {"path": "chats.xlsx"}},
    "options": {"all_or_nothing": True, "max_rejected": "2%"},
}
START_CORRECTION: dict[str, Any] = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "excel", "file": {"path": "errors-42.xlsx"}},
    "corrects": {"request_id": START["request_id"]},
}

CANCEL: dict[str, Any] = {"action": "cancel", "request_id": START["request_id"], "requested_by": "petrov"}
RETRY: dict[str, Any] = {"action": "retry", "request_id": START["request_id"], "command_id": "retry-1"}
RETRY_WITH_LIMIT: dict[str, Any] = {**RETRY, "options": {"max_rejected": 2000}}

STATUS: dict[str, Any] = {
    "schema_version": 1,
    "event_id": "6b1f4d6e-7f1d-4d0e-8f43-0a5c1d2e3f40",
    "sequence": 7,
    "request_id": START["request_id"],
    "job_id": 42,
    "dataset": "chats",
    "source_type": "excel",
    "source_identifier": "chats.xlsx",
    "status": "running",
    "run": 1,
    "attempt": 1,
    "dry_run": False,
    "phase": "load",
    "detail": None,
    "total": 155_000,
    "processed": 39_990,
    "failed": 10,
    "inserted": 39_900,
    "updated": 50,
    "unchanged": 30,
    "duplicates": 10,
    "untouched": 0,
    "dismissed": 0,
    "already_corrected": 0,
    "corrects": None,
    "warnings": {"source_restarted": 3},
    "rows_per_second": 52_000.0,
    "eta_seconds": 2.2,
    "error": None,
    "occurred_at": "2026-03-01T09:00:05.120Z",
    "started_at": "2026-03-01T09:00:04.000Z",
    "completed_at": None,
}

STARTS = (
    *(START, START_UPLOADED, START_DATABASE, START_SHEETS),
    *(START_DRY_RUN, START_ALL_OR_NOTHING, START_CORRECTION),
)
RETRIES = (RETRY, RETRY_WITH_LIMIT)
REQUESTS = (*STARTS, CANCEL, *RETRIES)
