"""`migration correct`: a file of rejected rows comes back corrected."""

from pathlib import Path
from typing import Annotated

import typer

from producer_cli.arguments.options import (
    Dataset,
    Json,
    MaxAttempts,
    MaxRejected,
    NewRequestId,
    RequestedBy,
    RequestId,
    Timeout,
    Wait,
    Watch,
    examples_epilog,
)

CORRECT_EXAMPLES = examples_epilog(
    "migration errors 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 --xlsx rejected.xlsx",
    "migration correct 0d3c2a52-6f5e-4f0e-9a55-0c5a3f4b8f11 rejected.xlsx --watch",
)


def correct(
    request_id: RequestId,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The workbook or CSV of its rejected rows, corrected.")
    ],
    watch: Watch = False,
    wait: Wait = None,
    correction_id: NewRequestId = None,
    requested_by: RequestedBy = None,
    timeout: Timeout = None,
    max_attempts: MaxAttempts = None,
    max_rejected: MaxRejected = None,
    dataset: Dataset = "chats",
    as_json: Json = False,
) -> None:
    """Store rejected rows of a job that were corrected in a file.

    Rows that are as they were are left alone; rows with "yes" in the column "Skip" are dismissed. Without
    --request-id the id is made of REQUEST_ID and the content of the file: the same file again starts nothing.
    """
    from producer_cli import settings
    from producer_cli.commands.start import StartCommand
    from producer_cli.render.factory import choose_renderer
    from producer_cli.requests import correction_request, validate_request_id
    from producer_cli.runner import run
    from producer_cli.source_arguments import check_file, file_sha256, upload_name
    from schemas.reject_limits import parse_reject_limit

    corrected = validate_request_id(request_id)
    check_file(file)
    connection = settings.load().kafka()
    request = correction_request(
        corrected,
        upload_name(file),
        file_sha256(file),
        request_id=correction_id,
        requested_by=requested_by,
        dataset=dataset,
        options={
            "timeout_seconds": timeout,
            "max_attempts": max_attempts,
            "max_rejected": None if max_rejected is None else parse_reject_limit(max_rejected),
        },
    )
    command = StartCommand(connection, request, file, choose_renderer(as_json))
    run(lambda interrupt_hint: command.run(interrupt_hint, watch or wait is not None, wait))
