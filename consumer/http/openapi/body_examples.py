"""Example bodies of POSTs in the OpenAPI document; each can be sent from `/docs` unchanged."""

from typing import Any

from schemas import examples

Json = dict[str, Any]


def _examples(**examples_by_name: tuple[str, Json]) -> Json:
    return {name: {"summary": summary, "value": value} for name, (summary, value) in examples_by_name.items()}


EXCEL_EXAMPLES = _examples(
    file=("The file alone", {"file": "chats.xlsx"}),
    named=(
        "Under an id of its own, with limits",
        {
            "file": "chats.xlsx",
            "request_id": "2026-11-chats",
            "sheet": "Чаты",
            "timeout_seconds": 7200,
            "max_attempts": 3,
        },
    ),
    dry_run=("Check the rows and store none", {"file": "chats.xlsx", "dry_run": True}),
    mapped=(
        "With a header that the dataset does not know",
        {"file": "chats.xlsx", "columns": '{"Ссылка MAX": "url"}'},
    ),
)
CORRECTION_EXAMPLES = _examples(
    file=("The file of rejected rows, corrected", {"file": "errors-17.xlsx"}),
    named=(
        "Under an id of its own, with a limit",
        {"file": "errors-17.xlsx", "request_id": "2026-11-chats-corrected", "max_rejected": "10%"},
    ),
)
DATABASE_EXAMPLES = _examples(
    connection=("The usual table of a connection", {"source_identifier": "admin_panel"}),
    table=(
        "Another table, under an id of its own",
        {"source_identifier": "admin_panel", "table": "public.chats", "request_id": "2026-11-admin-panel"},
    ),
    mapped=(
        "A table whose column has another name",
        {"source_identifier": "admin_panel", "columns": {"link": "url"}},
    ),
)
GOOGLE_SHEETS_EXAMPLES = _examples(
    link=(
        "By the link from the browser",
        {"spreadsheet_id": "https://docs.google.com/spreadsheets/d/1AbC-dEf_123/edit#gid=0"},
    ),
    worksheet=("One worksheet, by the id", {"spreadsheet_id": "1AbC-dEf_123", "worksheet": "Чаты"}),
    mapped=(
        "With a header that the dataset does not know",
        {"spreadsheet_id": "1AbC-dEf_123", "columns": {"Ссылка MAX": "url"}},
    ),
)
REQUEST_EXAMPLES = _examples(
    inbox=("Start: a workbook in the inbox of the service", examples.START),
    uploaded=("Start: a workbook that was sent in chunks", examples.START_UPLOADED),
    database=("Start: a table of a database", examples.START_DATABASE),
    spreadsheet=("Start: a Google spreadsheet", examples.START_SHEETS),
    all_or_nothing=("Start: all rows of a workbook or none", examples.START_ALL_OR_NOTHING),
    correction=("Start: a file of rejected rows that were corrected", examples.START_CORRECTION),
    cancel=("Cancel the job of a request", examples.CANCEL),
    retry=("Run the job of a request again", examples.RETRY),
    retry_with_limit=("Run it again with another limit of rejected rows", examples.RETRY_WITH_LIMIT),
)
COMMAND_EXAMPLES = _examples(
    empty=("No fields", {}),
    named=("Under an id of its own: sent again, it acts once", {"command_id": "stop-2026-11-chats"}),
)
RETRY_EXAMPLES = COMMAND_EXAMPLES | _examples(
    limit=("With another limit of rejected rows", {"max_rejected": "20%"})
)
IMPORT_EXAMPLES = _examples(empty=("No fields", {}), named=("By name", {"requested_by": "ivanova"}))
