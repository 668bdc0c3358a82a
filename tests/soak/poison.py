"""Invalid and hostile messages and files, and the result each must have."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.file_age import with_age
from tests.support.workbooks import HEADER, data_rows, write_xlsx

DEAD_LETTER_REASONS: Mapping[str, str] = {
    "not JSON": "not_json",
    "an unknown field": "invalid_request",
    "an unknown source": "invalid_request",
    "another body under a known id": "request_id_reused",
    "cancel of nothing": "command_refused",
    "retry of nothing": "command_refused",
}
"""The reason with which the message must be a dead letter."""

JOB_ERROR_CODES: Mapping[str, str] = {
    "truncated workbook": "workbook_damaged",
    "text for a workbook": "not_a_workbook",
    "workbook without a header": "no_header",
    "workbook without rows": "no_rows",
    "file that is not there": "file_not_found",
    "path out of the inbox": "file_outside_inbox",
    "unknown connection": "unknown_connection",
    "unknown table": "table_not_found",
    "unknown spreadsheet": "spreadsheet_not_found",
    "unknown credentials": "unknown_credentials",
}
"""How the job must fail."""

KINDS: tuple[str, ...] = (*DEAD_LETTER_REASONS, *JOB_ERROR_CODES)

WRITERS: Mapping[str, Callable[[Path], object]] = {
    "truncated.xlsx": lambda path: _write_truncated(path),
    "text.xlsx": lambda path: path.write_text("ИНН;Ссылка\n1;2\n"),
    "headless.xlsx": lambda path: write_xlsx(path, [("один", "два"), ("три", "четыре")]),
    "empty.xlsx": lambda path: write_xlsx(path, [HEADER]),
}


def write_files(inbox: Path) -> None:
    """Put the bad files into the inbox."""
    for name, write in WRITERS.items():
        write(inbox / name)
        with_age(inbox / name)


def _write_truncated(path: Path) -> None:
    write_xlsx(path, [HEADER, *data_rows(200)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def make_message(kind: str, request_id: str, known_id: str) -> tuple[str, bytes]:
    """Key and value of the message; `known_id` is one that was published before."""
    match kind:
        case "not JSON":
            return request_id, b"\x00{nothing to be read"
        case "an unknown field":
            return request_id, _start_message(request_id, _file_source("small.xlsx"), surprise=True)
        case "an unknown source":
            return request_id, _start_message(request_id, {"type": "oracle"})
        case "another body under a known id":
            return known_id, _start_message(known_id, _file_source("another.xlsx"))
        case "cancel of nothing" | "retry of nothing":
            action = kind.partition(" ")[0]
            return request_id, _json({"action": action, "request_id": request_id, "command_id": request_id})
        case _:
            return request_id, _start_message(request_id, SOURCES[kind])


def _file_source(path: str) -> dict[str, Any]:
    return {"type": "excel", "file": {"path": path}}


SOURCES: Mapping[str, dict[str, Any]] = {
    "truncated workbook": _file_source("truncated.xlsx"),
    "text for a workbook": _file_source("text.xlsx"),
    "workbook without a header": _file_source("headless.xlsx"),
    "workbook without rows": _file_source("empty.xlsx"),
    "file that is not there": _file_source("nowhere.xlsx"),
    "path out of the inbox": _file_source("../outside.xlsx"),
    "unknown connection": {"type": "database", "connection": "unknown"},
    "unknown table": {"type": "database", "connection": "panel", "table": "nothing"},
    "unknown spreadsheet": {"type": "google_sheets", "spreadsheet_id": "1NobodyKnowsThisSpreadsheet"},
    "unknown credentials": {
        "type": "google_sheets",
        "spreadsheet_id": "1NobodyKnowsThisSpreadsheet",
        "credentials": "unknown",
    },
}


def _start_message(request_id: str, source: Mapping[str, Any], **more: Any) -> bytes:
    return _json({"request_id": request_id, "action": "start", "dataset": "chats", "source": source, **more})


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()
