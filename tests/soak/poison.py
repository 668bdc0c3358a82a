"""Messages and files that nobody should send, and what must come of each."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.resting import rested
from tests.support.workbooks import HEADER, data_rows, write_xlsx

MESSAGES: Mapping[str, str] = {
    "not JSON": "not_json",
    "an unknown field": "invalid_request",
    "an unknown source": "invalid_request",
    "another body under a known id": "request_id_reused",
    "cancel of nothing": "command_refused",
    "retry of nothing": "command_refused",
}
"""Why the message must lie among the dead letters."""

JOBS: Mapping[str, str] = {
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

POISONS: tuple[str, ...] = (*MESSAGES, *JOBS)

WRITE: Mapping[str, Callable[[Path], object]] = {
    "truncated.xlsx": lambda path: _truncated(path),
    "text.xlsx": lambda path: path.write_text("ИНН;Ссылка\n1;2\n"),
    "headless.xlsx": lambda path: write_xlsx(path, [("один", "два"), ("три", "четыре")]),
    "empty.xlsx": lambda path: write_xlsx(path, [HEADER]),
}


def write_files(inbox: Path) -> None:
    """Put the bad files into the inbox."""
    for name, write in WRITE.items():
        write(inbox / name)
        rested(inbox / name)


def _truncated(path: Path) -> None:
    write_xlsx(path, [HEADER, *data_rows(200)])
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def body(kind: str, request_id: str, known_id: str) -> tuple[str, bytes]:
    """Key and value of the message; `known_id` is one that was published before."""
    match kind:
        case "not JSON":
            return request_id, b"\x00{nothing to be read"
        case "an unknown field":
            return request_id, _start(request_id, _file("small.xlsx"), surprise=True)
        case "an unknown source":
            return request_id, _start(request_id, {"type": "oracle"})
        case "another body under a known id":
            return known_id, _start(known_id, _file("another.xlsx"))
        case "cancel of nothing" | "retry of nothing":
            action = kind.partition(" ")[0]
            return request_id, _json({"action": action, "request_id": request_id, "command_id": request_id})
        case _:
            return request_id, _start(request_id, SOURCES[kind])


def _file(path: str) -> dict[str, Any]:
    return {"type": "excel", "file": {"path": path}}


SOURCES: Mapping[str, dict[str, Any]] = {
    "truncated workbook": _file("truncated.xlsx"),
    "text for a workbook": _file("text.xlsx"),
    "workbook without a header": _file("headless.xlsx"),
    "workbook without rows": _file("empty.xlsx"),
    "file that is not there": _file("nowhere.xlsx"),
    "path out of the inbox": _file("../outside.xlsx"),
    "unknown connection": {"type": "database", "connection": "nobody"},
    "unknown table": {"type": "database", "connection": "panel", "table": "nothing"},
    "unknown spreadsheet": {"type": "google_sheets", "spreadsheet_id": "1NobodyKnowsThisSpreadsheet"},
    "unknown credentials": {
        "type": "google_sheets",
        "spreadsheet_id": "1NobodyKnowsThisSpreadsheet",
        "credentials": "nobody",
    },
}


def _start(request_id: str, source: Mapping[str, Any], **more: Any) -> bytes:
    return _json({"request_id": request_id, "action": "start", "dataset": "chats", "source": source, **more})


def _json(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()
