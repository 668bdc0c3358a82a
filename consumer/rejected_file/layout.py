"""Names in the file of rejected rows, shared by those who write it and those who read it back."""

from collections.abc import Mapping
from dataclasses import dataclass

FORMAT_VERSION = 1
"""Changes whenever an older service would read a file wrongly."""
KEY_COLUMN = "row_key"
"""Header of the last column, which is hidden in a workbook."""
METADATA_SHEET = "_migration"
"""Name of the hidden sheet: in column A METADATA_KEYS, in column B their values, all of them texts."""
METADATA_KEYS = ("format_version", "job", "request_id", "run", "load", "dataset", "source_type")


@dataclass(frozen=True, slots=True)
class LeadingColumns:
    """Headers of the columns before those of the source, and the two choices for `skip`, in one language."""

    row_number: str
    wrong: str
    to_do: str
    skip: str
    yes: str
    no: str

    @property
    def headers(self) -> tuple[str, ...]:
        """In their order."""
        return self.row_number, self.wrong, self.to_do, self.skip


LEADING_COLUMNS: Mapping[str, LeadingColumns] = {
    "ru": LeadingColumns("Строка", "Что не так", "Что сделать", "Пропустить", "да", "нет"),
    "en": LeadingColumns("Row", "What is wrong", "What to do", "Skip", "yes", "no"),
}
"""By language."""
MAX_SOURCE_COLUMNS = 16_384 - len(LEADING_COLUMNS["en"].headers) - 1
"""A sheet has 16,384 columns; the last is KEY_COLUMN."""
