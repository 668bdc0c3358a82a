"""`migration status`, `watch`, `cancel`, `retry` and `errors`: jobs that were asked for already."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from producer_cli.arguments.options import Json, RequestId, Wait, Watch, examples_epilog
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
RETRY_EXAMPLES = examples_epilog("migration retry 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --watch")
ERRORS_EXAMPLES = examples_epilog(
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11",
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --csv rejected.csv",
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --json | jq .record",
    "migration errors --number 403539",
)


def status(
    request_id: Annotated[
        str | None, typer.Argument(metavar="REQUEST_ID", help="One job; those last published when absent.")
    ] = None,
    all_jobs: Annotated[
        bool, typer.Option("--all", help="All jobs, one a line, instead of the 50 last published.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the latest status of the 50 jobs last published, of all, or of one."""
    from producer_cli import settings
    from producer_cli.commands import status
    from producer_cli.requests import validate_request_id
    from producer_cli.runner import run

    if request_id is not None and all_jobs:
        raise InvalidInputError("Give either a request id or --all.")
    wanted = None if request_id is None else validate_request_id(request_id)
    connection = settings.load().kafka()
    if wanted is not None:
        run(lambda _: status.status_of_one(connection, wanted, as_json))
    elif all_jobs:
        run(lambda _: status.status_of_all(connection, as_json))
    else:
        run(lambda _: status.status_of_recent(connection, as_json))


def watch(request_id: RequestId, wait: Wait = None, as_json: Json = False) -> None:
    """Follow a job to its end.

    The exit code says which end that was.
    """
    from producer_cli import settings
    from producer_cli.commands.watch import watch as work
    from producer_cli.render import base
    from producer_cli.requests import validate_request_id
    from producer_cli.runner import run

    wanted = validate_request_id(request_id)
    connection, screen = settings.load().kafka(), base.choose_renderer(as_json)
    run(lambda afterword: work(connection, wanted, screen, wait, afterword))


def cancel(request_id: RequestId, watch: Watch = False, wait: Wait = None, as_json: Json = False) -> None:
    """Ask for a job to be cancelled.

    What it has stored stays.
    """
    from producer_cli.requests import cancel_request

    _send_command(cancel_request(request_id), watch, wait, as_json)


def retry(request_id: RequestId, watch: Watch = False, wait: Wait = None, as_json: Json = False) -> None:
    """Ask for a failed or cancelled job to be run again."""
    from producer_cli.requests import retry_request

    _send_command(retry_request(request_id), watch, wait, as_json)


def _parse_job_number(text: str) -> int:
    from schemas.integers import parse_job_number

    value = parse_job_number(text)
    if value is None:
        raise typer.BadParameter("the number of a job is a whole number from 1 on, without leading zeros.")
    return value


def errors(
    request_id: Annotated[
        str | None,
        typer.Argument(
            metavar="[REQUEST_ID]", help="The id that `migration start` printed.", show_default=False
        ),
    ] = None,
    number: Annotated[
        int | None,
        typer.Option(
            "--number",
            metavar="N",
            parser=_parse_job_number,
            help="The job of this number, instead of a request id.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all of them to this file (`-`: standard output)."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", metavar="N", min=0, help="Show so many; 0 for all, 50 at a terminal when absent."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the rejected rows of a job, with what was wrong in them.

    They hold personal data as it was read: with --json and --csv take care who sees it.
    """
    from producer_cli import settings
    from producer_cli.commands import rejected_rows
    from producer_cli.http_client import ServiceClient

    if csv is not None and (as_json or limit):
        raise InvalidInputError("--csv writes every rejected row, as CSV: leave --json and --limit out.")
    wanted = _job_reference(request_id, number)
    loaded = settings.load()
    service = ServiceClient(loaded.http_url, loaded.http_token)
    if warning := service.token_warning:
        typer.echo(warning, err=True)
    with handle_interrupt():
        meant = (
            service.request_id_of_job(wanted)
            if isinstance(wanted, int)
            else service.verify_request_id(wanted)
        )
        if csv is None:
            rejected_rows.show(service, meant, limit, as_json)
        else:
            typer.echo(rejected_rows.save_csv(service, meant, csv), err=True)


def _job_reference(request_id: str | None, number: int | None) -> str | int:
    """The request id, or the number of a job; raises InvalidInputError unless there is just one of them."""
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
    from producer_cli.render import base
    from producer_cli.runner import run

    connection, screen = settings.load().kafka(), base.choose_renderer(as_json)
    follows = watch or wait is not None
    run(lambda afterword: send_command(connection, request, screen, follows, wait, afterword))
