"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

MAX_TIMEOUT_SECONDS = 7 * 86_400
MAX_ATTEMPTS = 100
"""The limits of `schemas.requests`, whose import would slow down `--help`."""


def _parse_job_number(text: str) -> int:
    from schemas.integers import parse_job_number

    value = parse_job_number(text)
    if value is None:
        raise typer.BadParameter("the number of a job is a whole number from 1 on, without leading zeros.")
    return value


RequestId = Annotated[
    str,
    typer.Argument(metavar="REQUEST_ID", help="The id that `migration start` printed.", show_default=False),
]
OptionalRequestId = Annotated[
    str | None,
    typer.Argument(metavar="[REQUEST_ID]", help="The id that `migration start` printed.", show_default=False),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Follow the job to its end.")]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        help="Follow the job for at most this time, then exit with 4; the job goes on.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")]

NewRequestId = Annotated[
    str | None,
    typer.Option(
        "--request-id",
        metavar="ID",
        help="Id of the request; generated when absent. A repeated id starts no second job.",
        show_default=False,
    ),
]
RequestedBy = Annotated[
    str | None,
    typer.Option(
        "--requested-by",
        metavar="NAME",
        help="Name of the requester; the login name when absent.",
        show_default=False,
    ),
]
Timeout = Annotated[
    int | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=1,
        max=MAX_TIMEOUT_SECONDS,
        help="Fail the job if it runs longer.",
    ),
]
MaxAttempts = Annotated[
    int | None,
    typer.Option(
        "--max-attempts",
        metavar="N",
        min=1,
        max=MAX_ATTEMPTS,
        help="Fail the job after N consecutive attempts without progress.",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check the rows and store none; then: migration import.")
]
MaxRejected = Annotated[
    str | None,
    typer.Option(
        "--max-rejected",
        metavar="N|N%",
        help="Fail the job when more rows than N, or than N % of those read, are rejected.",
        show_default=False,
    ),
]
AllOrNothing = Annotated[
    bool,
    typer.Option(
        "--all-or-nothing",
        help="Check all rows first; load them only if none is rejected, or at most --max-rejected.",
    ),
]
JobNumber = Annotated[
    int | None,
    typer.Option(
        "--number",
        metavar="N",
        parser=_parse_job_number,
        help="The number of the job, instead of a request id.",
    ),
]
CsvFile = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="Write all rejected rows to this file (`-`: standard output)."
    ),
]
XlsxFile = Annotated[
    Path | None,
    typer.Option(
        "--xlsx",
        metavar="FILE",
        help="Write all rejected rows to this workbook, to be corrected in it (`-`: standard output).",
    ),
]
Lang = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="ru|en",
        help="Language of the workbook; without it that of the terminal (LC_ALL, LC_MESSAGES, LANG).",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", metavar="N", min=0, help="Show at most N rows; 0 shows all. Default at a terminal: 50."
    ),
]

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="HEADER=FIELD",
        help="Read the column with this header as this field; once for each column.",
        show_default=False,
    ),
]
Dataset = Annotated[str, typer.Option("--dataset", metavar="NAME", help="The kind of rows to import.")]


def examples_epilog(*lines: str) -> str:
    """Format the example commands at the end of a help page."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
