"""`migration start`: one command per type of source."""

from pathlib import Path
from typing import Annotated, Any

import typer

from producer_cli.arguments.options import (
    AllOrNothing,
    Columns,
    Dataset,
    DryRun,
    Json,
    MaxAttempts,
    MaxRejected,
    NewRequestId,
    RequestedBy,
    Timeout,
    Wait,
    Watch,
    examples_epilog,
)
from producer_cli.errors import InvalidInputError

app = typer.Typer(no_args_is_help=True, help="Request an import.", rich_markup_mode=None)


@app.command(
    epilog=examples_epilog(
        "migration start excel chats.xlsx --watch",
        "migration start excel chats.xlsx --sheet Чаты --timeout 3600",
        "migration start excel --path 2026/chats.xlsx",
        "migration start excel chats.xlsx --dry-run --watch",
        "migration start excel chats.xlsx --all-or-nothing --max-rejected 2%",
        'migration start excel chats.xlsx --column "Ссылка MAX=url"',
        "migration start excel chats.xlsx --json --wait 600 | tail -1",
    )
)
def excel(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="A local workbook; it is sent through Kafka.")
    ] = None,
    path: Annotated[
        str | None,
        typer.Option(
            "--path", metavar="P", help="Instead of FILE: path of a workbook in the consumer's inbox."
        ),
    ] = None,
    sheet: Annotated[
        str | None,
        typer.Option("--sheet", metavar="S", help="Name of the sheet; detected when absent."),
    ] = None,
    column: Columns = None,
    watch: Watch = False,
    wait: Wait = None,
    request_id: NewRequestId = None,
    requested_by: RequestedBy = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = None,
    dry_run: DryRun = False,
    max_rejected: MaxRejected = None,
    all_or_nothing: AllOrNothing = False,
    dataset: Dataset = "chats",
    as_json: Json = False,
) -> None:
    """Import a workbook.

    .xlsx, .xlsm, .xlsb, .xls or .ods; the format is detected by content, not by name.
    """
    from producer_cli.source_arguments import check_file, parse_columns, upload_name

    if (file is None) == (path is None):
        raise InvalidInputError("Name either a local FILE, or with --path one in the consumer's inbox.")
    if file is not None:
        check_file(file)
    source_path = path if file is None else upload_name(file)
    source = {
        "type": "excel",
        "file": {"path": source_path},
        "sheet": sheet,
        "columns": parse_columns(column or ()),
    }
    options = _options(timeout, max_attempts, dry_run, max_rejected, all_or_nothing)
    request_fields = _request_fields(request_id, requested_by, dataset, options)
    _start(source, request_fields, file, watch, wait, as_json)


@app.command(
    epilog=examples_epilog(
        "migration start database admin_panel --watch",
        "migration start database admin_panel --table public.chats",
    )
)
def database(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name of a connection in the consumer's settings."),
    ],
    table: Annotated[
        str | None, typer.Option("--table", metavar="T", help="`table` or `schema.table`; chats when absent.")
    ] = None,
    column: Columns = None,
    watch: Watch = False,
    wait: Wait = None,
    request_id: NewRequestId = None,
    requested_by: RequestedBy = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = None,
    dry_run: DryRun = False,
    max_rejected: MaxRejected = None,
    all_or_nothing: AllOrNothing = False,
    dataset: Dataset = "chats",
    as_json: Json = False,
) -> None:
    """Import a table of another database."""
    from producer_cli.source_arguments import parse_columns

    source = {
        "type": "database",
        "connection": name,
        "table": table,
        "columns": parse_columns(column or ()),
    }
    options = _options(timeout, max_attempts, dry_run, max_rejected, all_or_nothing)
    request_fields = _request_fields(request_id, requested_by, dataset, options)
    _start(source, request_fields, None, watch, wait, as_json)


@app.command(
    "google-sheets",
    epilog=examples_epilog(
        "migration start google-sheets 1AbC…xyz --watch",
        "migration start google-sheets https://docs.google.com/spreadsheets/d/1AbC…xyz/edit --worksheet Чаты",
    ),
)
def google_sheets(
    spreadsheet: Annotated[
        str, typer.Argument(metavar="ID_OR_LINK", help="Id of the spreadsheet, or its link from the browser.")
    ],
    worksheet: Annotated[
        str | None,
        typer.Option(
            "--worksheet",
            metavar="W",
            help="Name of the worksheet; by default that of the link, else the first.",
        ),
    ] = None,
    credentials: Annotated[
        str,
        typer.Option(
            "--credentials", metavar="C", help="Name of the credentials in the consumer's settings."
        ),
    ] = "default",
    column: Columns = None,
    watch: Watch = False,
    wait: Wait = None,
    request_id: NewRequestId = None,
    requested_by: RequestedBy = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = None,
    dry_run: DryRun = False,
    max_rejected: MaxRejected = None,
    all_or_nothing: AllOrNothing = False,
    dataset: Dataset = "chats",
    as_json: Json = False,
) -> None:
    """Import a Google spreadsheet."""
    from producer_cli import source_arguments

    source = {
        "type": "google_sheets",
        "spreadsheet_id": source_arguments.spreadsheet_reference(spreadsheet, worksheet),
        "worksheet": worksheet,
        "credentials": credentials,
        "columns": source_arguments.parse_columns(column or ()),
    }
    options = _options(timeout, max_attempts, dry_run, max_rejected, all_or_nothing)
    request_fields = _request_fields(request_id, requested_by, dataset, options)
    _start(source, request_fields, None, watch, wait, as_json)


def _options(
    timeout: int | None,
    max_attempts: int | None,
    dry_run: bool,
    max_rejected: str | None,
    all_or_nothing: bool,
) -> dict[str, Any]:
    from schemas.reject_limits import parse_reject_limit

    return {
        "timeout_seconds": timeout,
        "max_attempts": max_attempts,
        "dry_run": dry_run,
        "max_rejected": None if max_rejected is None else parse_reject_limit(max_rejected),
        "all_or_nothing": all_or_nothing,
    }


def _request_fields(
    request_id: str | None, requested_by: str | None, dataset: str, options: dict[str, Any]
) -> dict[str, Any]:
    return {
        "request_id": request_id,
        "requested_by": requested_by,
        "dataset": dataset,
        "options": options,
    }


def _start(
    source: dict[str, Any],
    request_fields: dict[str, Any],
    file: Path | None,
    watch: bool,
    wait: float | None,
    as_json: bool,
) -> None:
    from producer_cli import settings
    from producer_cli.commands.start import StartCommand
    from producer_cli.render.factory import choose_renderer
    from producer_cli.requests import start_request
    from producer_cli.runner import run

    connection = settings.load().kafka()
    request = start_request(source, **request_fields)
    generated_id = request_fields["request_id"] is None
    command = StartCommand(connection, request, file, choose_renderer(as_json), generated_id)
    run(lambda interrupt_hint: command.run(interrupt_hint, watch or wait is not None, wait))
