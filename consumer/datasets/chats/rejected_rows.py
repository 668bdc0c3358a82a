"""Encodes rejected rows as COPY text of `stage_rejected_rows`, with bounds on every part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import Chunk
from consumer.cells.texts import MAX_TEXT_CHARS
from consumer.datasets.base import RowError
from consumer.datasets.cell_json import to_json_value
from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.copy_text import encode_rows, to_copy_text
from consumer.datasets.chats.rules.result import Invalid
from consumer.datasets.chats.rules.text import MAX_SHORT_TEXT_CHARS
from consumer.datasets.chats.rules.url import MAX_URL_BYTES
from consumer.datasets.record_json import RecordEncoder, to_json
from schemas.codes import RejectCode

SHORT_CELL_CHARS = 1_000
"""Characters of a cell that should be a number, date, phone or flag: a longer one is none of them."""
TEXT_FIELDS = (
    "name", "external_chat_id", "creator_id", "owner_id", "organization", "foiv", "region", "region_number"
)  # fmt: skip
SHORT_TEXT_FIELDS = ("branch", "faculty", "group")
MAX_CELL_CHARS = dict.fromkeys(COLUMN_SPEC.headers, SHORT_CELL_CHARS) | {
    "url": MAX_URL_BYTES,
    **dict.fromkeys(TEXT_FIELDS, MAX_TEXT_CHARS),
    **dict.fromkeys(SHORT_TEXT_FIELDS, MAX_SHORT_TEXT_CHARS),
}
"""Characters of a cell in a record, by field: as many as its rule accepts."""
MAX_REJECTED_BYTES = 8 << 20
"""Bytes of COPY text in one batch, which one row may exceed: the service holds three batches in memory.

10,000 rows of 19 columns, 7 % of them rejected, make 1 MB.
"""
MAX_IDENTIFIER_CHARS, IDENTIFIER_SCAN_CHARS = MAX_URL_BYTES, 4 * MAX_TEXT_CHARS


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error of a row; `field` is None if it concerns the row as a whole."""

    field: str | None
    code: RejectCode
    message: str

    @classmethod
    def from_invalid(cls, field: str, invalid: Invalid) -> "FieldError":
        """The error that a rule found in a field."""
        return cls(field, invalid.code, invalid.message)

    @classmethod
    def from_row_error(cls, error: RowError) -> "FieldError":
        """The error of a row as a whole."""
        return cls(None, error.code, error.message)

    def as_dict(self) -> dict[str, str | None]:
        """An item of `errors`, as stored and as shown over HTTP."""
        return {"field": self.field, "code": self.code, "message": self.message}


class RejectedRowEncoder:
    """Encodes rejected rows; bounds each row, and all rows of a batch."""

    def __init__(self) -> None:
        self._record_encoder = RecordEncoder(MAX_CELL_CHARS)

    def encode(self, chunk: Chunk, errors: Mapping[int, Sequence[FieldError]]) -> tuple[bytes, int]:
        """COPY text, and how many rows of the chunk it covers.

        All rows, or those up to the row with which the text reaches MAX_REJECTED_BYTES. `errors` is by index
        in the chunk.
        """
        lines: list[bytes] = []
        size = 0
        for index, row_errors in sorted(errors.items()):
            lines.append(encode_rows([self._encode_row(chunk, index, row_errors)]))
            size += len(lines[-1])
            if size >= MAX_REJECTED_BYTES:
                return b"".join(lines), index + 1
        return b"".join(lines), len(chunk.positions)

    def _encode_row(self, chunk: Chunk, index: int, errors: Sequence[FieldError]) -> tuple[str, ...]:
        """The columns of `REJECTED_ROWS`."""
        encoded = self._record_encoder.encode(chunk.record(index), chunk.record_fields)
        return (
            str(chunk.positions[index]),
            to_copy_text(_record_identifier(chunk, index)),
            to_copy_text(to_json([error.as_dict() for error in errors])),
            to_copy_text(encoded.record),
            to_copy_text(encoded.kinds),
            to_copy_text(encoded.cut),
        )


def _record_identifier(chunk: Chunk, index: int) -> str | None:
    """The link as read, or else the ИНН; None if the row has neither."""
    for field in ("url", "inn"):
        value = to_json_value(chunk.columns[field][index]) if field in chunk.columns else None
        if value is not None and (text := strip_blanks(str(value)[:IDENTIFIER_SCAN_CHARS])):
            return text[:MAX_IDENTIFIER_CHARS]
    return None
