"""How the service and the process that writes a workbook of rejected rows speak: frames of `consumer.ipc`.

START first: a WorkbookParameters, and the number of the service's process. Then a ROWS frame for each page of
rows: in its header their keys, as `consumer.rejected_file.row_key` writes them; in its body a JSON array of
the rows, as over HTTP. END last: without it the workbook is not completed. The process writes the workbook to
its standard output, which is a file, and answers with its exit code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

WRITER_MODULE = "consumer.rejected_workbook"
EXIT_TOO_LARGE = 3
"""The workbook would exceed a limit."""
EXIT_DISK_FULL = 4
"""There is no space for the workbook."""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """What a code of a rejected row means, and what a person should do; plain text."""

    title: str
    remedy: str


@dataclass(frozen=True, slots=True)
class WorkbookTexts:
    """Texts in the language of a workbook, `language` (a key of LEADING_COLUMNS); `errors` is by code.

    `kinds` explains a wrong cell that is empty in the workbook, by the kind of the cell in the source.
    """

    language: str
    sheet: str
    errors: Mapping[str, ErrorText]
    kinds: Mapping[str, str]
    cut: str


@dataclass(frozen=True, slots=True)
class WorkbookParameters:
    """A workbook: its columns, texts and metadata.

    `columns` are keys of the records; `fields` has the column of each imported field.
    """

    columns: Sequence[str]
    fields: Mapping[str, str]
    texts: WorkbookTexts
    metadata: Mapping[str, str]

    def to_header(self) -> dict[str, Any]:
        """As the header of a START frame."""
        return asdict(self)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> Self:
        """The parameters in the header of a START frame."""
        texts = dict(header["texts"])
        texts["errors"] = {code: ErrorText(**text) for code, text in texts["errors"].items()}
        return cls(header["columns"], header["fields"], WorkbookTexts(**texts), header["metadata"])
