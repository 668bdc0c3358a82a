"""Options that several commands share."""

from typing import Annotated

import typer

WEEK_SECONDS = 7 * 86_400
MAX_ATTEMPTS = 100

RequestId = Annotated[
    str,
    typer.Argument(metavar="REQUEST_ID", help="The id that `migration start` printed.", show_default=False),
]
Watch = Annotated[bool, typer.Option("--watch", "-w", help="Follow the job to its end.")]
Wait = Annotated[
    float | None,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        min=0,
        help="Follow the job, but no longer than this; then exit 4, and the job goes on.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]

NewRequestId = Annotated[
    str | None,
    typer.Option(
        "--request-id",
        metavar="ID",
        help="Id of the request; made up when absent. The same id again starts nothing twice.",
        show_default=False,
    ),
]
RequestedBy = Annotated[
    str | None,
    typer.Option(
        "--requested-by", metavar="NAME", help="Who asks; the login name when absent.", show_default=False
    ),
]
Timeout = Annotated[
    int | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=1,
        max=WEEK_SECONDS,
        help="Fail the job when it runs longer.",
    ),
]
MaxAttempts = Annotated[
    int | None,
    typer.Option(
        "--max-attempts",
        metavar="N",
        min=1,
        max=MAX_ATTEMPTS,
        help="Fail the job after so many attempts in a row without a step forward.",
    ),
]
Dataset = Annotated[str, typer.Option("--dataset", metavar="NAME", help="What the rows mean.")]


def examples_epilog(*lines: str) -> str:
    """The end of a help page: commands to copy."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
