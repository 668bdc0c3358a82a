"""`migration template`: save the workbook that people fill in."""

from pathlib import Path

from producer_cli.commands import output_file
from producer_cli.errors import InvalidInputError
from producer_cli.http_client import ServiceClient
from producer_cli.text import strip_control_chars


def save_template(client: ServiceClient, dataset: str, target: Path | None) -> str:
    """Write the template of a dataset and return a message; without `target` it is named after the dataset.

    A file that exists is not replaced, since it may be filled in. `-` is standard output.
    """
    path = Path(f"{dataset}-template.xlsx") if target is None else target
    if path.is_file():
        name = strip_control_chars(str(path))
        raise InvalidInputError(f"{name} exists already; name another FILE, or remove it.")
    message = output_file.save([client.template(dataset)], path, private=False)
    return f"{message} Rows 2 and 3 are examples: delete them."
