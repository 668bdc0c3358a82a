"""`migration template`: save the workbook that people fill in."""

import sys
from pathlib import Path

from producer_cli.commands.output_file import copy_chunks, open_when_complete
from producer_cli.errors import InvalidInputError
from producer_cli.http_client import ServiceClient
from producer_cli.render.formatting import format_size
from producer_cli.text import strip_control_chars


def save_template(client: ServiceClient, dataset: str, target: Path | None) -> str:
    """Write the template of a dataset and return a message; without `target` it is named after the dataset.

    A file that exists is not replaced, since it may be filled in. `-` is standard output.
    """
    path = Path(f"{dataset}-template.xlsx") if target is None else target
    name = strip_control_chars(str(path))
    if path.is_file():
        raise InvalidInputError(f"{name} exists already; name another FILE, or remove it.")
    content = client.template(dataset)
    if str(path) == "-":
        copy_chunks([content], sys.stdout.buffer)
        return "Written to standard output."
    with open_when_complete(path, private=False) as file:
        copy_chunks([content], file)
    return f"Written to {name}, {format_size(len(content))}. Rows 2 and 3 are examples: delete them."
