"""`migration template`."""

from pathlib import Path
from typing import Annotated

import typer

from producer_cli.arguments.options import Dataset, examples_epilog
from producer_cli.errors import handle_interrupt

EXAMPLES = examples_epilog("migration template", "migration template chats.xlsx")


def template(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Where to write it (`-`: standard output); DATASET-template.xlsx when absent.",
            show_default=False,
        ),
    ] = None,
    dataset: Dataset = "chats",
) -> None:
    """Save an empty workbook to fill in.

    It has all columns, a note on each, and two example rows.
    """
    from producer_cli import settings
    from producer_cli.commands.template import save_template
    from producer_cli.http_client import ServiceClient

    loaded = settings.load()
    service = ServiceClient(loaded.http_url, loaded.http_token)
    if warning := service.token_warning:
        typer.echo(warning, err=True)
    with handle_interrupt():
        typer.echo(save_template(service, dataset, file), err=True)
