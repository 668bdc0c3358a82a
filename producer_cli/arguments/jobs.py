"""`migration status`, `watch`, `cancel`, `retry`, `import` and `errors`: commands on existing jobs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from producer_cli.arguments.options import (
    CsvFile,
    JobNumber,
    Json,
    Lang,
    Limit,
    MaxRejected,
    OptionalRequestId,
    RequestId,
    Wait,
    Watch,
    XlsxFile,
    examples_epilog,
)
from producer_cli.errors import InvalidInputError, handle_interrupt

if TYPE_CHECKING:
    from schemas.requests import CancelRequest, RetryRequest

STATUS_EXAMPLES = examples_epilog(
    "migration status",
    "migration status 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11",
    "migration status --all --json | jq -r 'select(.status == \"failed\") | .request_id'",
)
WATCH_EXAMPLES = examples_epilog(
    "migration watch 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11",
    "migration watch 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --wait 600 --json",
)
CANCEL_EXAMPLES = examples_epilog("migration cancel 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11")
RETRY_EXAMPLES = examples_epilog(
    "migration retry 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --watch",
    "migration retry 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --max-rejected 2000",
)
IMPORT_EXAMPLES = examples_epilog("migration import 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --watch")
ERRORS_EXAMPLES = examples_epilog(
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11",
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --xlsx rejected.xlsx",
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --csv rejected.csv",
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --json | jq .record",
    "migration errors --number 403539",
)


def status(
    request_id: Annotated[
        str | None, typer.Argument(metavar="REQUEST_ID", help="One job; without it those published last.")
    ] = None,
    all_jobs: Annotated[
        bool, typer.Option("--all", help="All jobs, one per line, instead of the 50 published last.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the latest status of the 50 jobs published last, of all jobs, or of one."""
    from producer_cli import settings
    from producer_cli.commands import status
    from producer_cli.requests import validate_request_id
    from producer_cli.runner import run

    if request_id is not None and all_jobs:
        raise InvalidInputError("Give either a request id or --all.")
    checked_id = None if request_id is None else validate_request_id(request_id)
    connection = settings.load().kafka()
    if checked_id is not None:
        run(lambda _: status.status_of_one(connection, checked_id, as_json))
    elif all_jobs:
        run(lambda _: status.status_of_all(connection, as_json))
    else:
        run(lambda _: status.status_of_recent(connection, as_json))


def watch(request_id: RequestId, wait: Wait = None, as_json: Json = False) -> None:
    """Follow a job to its end.

    The exit code is that of its final status.
    """
    from producer_cli import settings
    from producer_cli.commands import watch
    from producer_cli.render.factory import choose_renderer
    from producer_cli.requests import validate_request_id
    from producer_cli.runner import run

    checked_id = validate_request_id(request_id)
    connection, renderer = settings.load().kafka(), choose_renderer(as_json)
    run(lambda interrupt_hint: watch.watch(connection, checked_id, renderer, wait, interrupt_hint))


def cancel(request_id: RequestId, watch: Watch = False, wait: Wait = None, as_json: Json = False) -> None:
    """Cancel a job.

    Rows that it has stored already are kept.
    """
    from producer_cli.requests import cancel_request

    _send_command(cancel_request(request_id), watch, wait, as_json)


def retry(
    request_id: RequestId,
    max_rejected: MaxRejected = None,
    watch: Watch = False,
    wait: Wait = None,
    as_json: Json = False,
) -> None:
    """Run a failed or cancelled job again.

    --max-rejected replaces the limit of rejected rows of the job.
    """
    from producer_cli.requests import retry_request

    _send_command(retry_request(request_id, max_rejected), watch, wait, as_json)


def import_dry_run(
    request_id: RequestId, watch: Watch = False, wait: Wait = None, as_json: Json = False
) -> None:
    """Import what a completed dry run has checked.

    The same source is read again, an uploaded file without sending it again; the request id gets `-import`.
    """
    from producer_cli import settings
    from producer_cli.commands.import_dry_run import import_dry_run
    from producer_cli.commands.watch import watch as watch_job
    from producer_cli.http_client import ServiceClient
    from producer_cli.render.factory import choose_renderer
    from producer_cli.requests import validate_request_id
    from producer_cli.runner import run

    checked_id = validate_request_id(request_id)
    loaded, renderer = settings.load(), choose_renderer(as_json)
    follow = watch or wait is not None
    connection = loaded.kafka() if follow else None
    service = ServiceClient(loaded.http_url, loaded.http_token)
    if warning := service.token_warning:
        typer.echo(warning, err=True)
    with handle_interrupt():
        import_id = import_dry_run(service, checked_id, renderer, follows=follow)
    if connection is not None:
        run(lambda interrupt_hint: watch_job(connection, import_id, renderer, wait, interrupt_hint))


def errors(
    request_id: OptionalRequestId = None,
    number: JobNumber = None,
    xlsx: XlsxFile = None,
    lang: Lang = None,
    csv: CsvFile = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Show the rejected rows of a job, with what was wrong in them.

    They hold personal data as it was read: with --json, --csv and --xlsx take care who sees it.
    """
    from producer_cli import settings
    from producer_cli.commands import rejected_rows
    from producer_cli.http_client import ServiceClient

    _check_formats(xlsx, csv, lang, as_json or limit is not None)
    job = _job_reference(request_id, number)
    loaded = settings.load()
    service = ServiceClient(loaded.http_url, loaded.http_token)
    if warning := service.token_warning:
        typer.echo(warning, err=True)
    with handle_interrupt():
        if xlsx is not None:
            rejected_rows.save_workbook(service, job, xlsx, lang)
        else:
            rejected_rows.show_or_save(service, job, csv, limit, as_json)


def _check_formats(xlsx: Path | None, csv: Path | None, lang: str | None, selects_rows: bool) -> None:
    """Raise InvalidInputError unless the options fit together."""
    if xlsx is not None and csv is not None:
        raise InvalidInputError("Give either --xlsx or --csv.")
    if selects_rows and (xlsx is not None or csv is not None):
        name, what = ("--xlsx", "a workbook") if csv is None else ("--csv", "CSV")
        raise InvalidInputError(f"{name} writes every rejected row, as {what}: leave --json and --limit out.")
    if lang is not None and xlsx is None:
        raise InvalidInputError("--lang is the language of a workbook: give --xlsx FILE with it.")


def _job_reference(request_id: str | None, number: int | None) -> str | int:
    """The request id, or the number of a job; raises InvalidInputError unless exactly one is given."""
    from producer_cli.requests import validate_request_id

    if request_id is not None and number is None:
        return validate_request_id(request_id)
    if request_id is None and number is not None:
        return number
    raise InvalidInputError("Give either a request id, or the number of a job with --number.")


def _send_command(
    request: "CancelRequest | RetryRequest", watch: bool, wait: float | None, as_json: bool
) -> None:
    from producer_cli import settings
    from producer_cli.commands.control import send_command
    from producer_cli.render.factory import choose_renderer
    from producer_cli.runner import run

    connection, renderer = settings.load().kafka(), choose_renderer(as_json)
    follow = watch or wait is not None
    run(lambda interrupt_hint: send_command(connection, request, renderer, follow, wait, interrupt_hint))
