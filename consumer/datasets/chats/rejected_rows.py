"""Rejected rows, as lines of the section that becomes `migration_errors`: bounded in every way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.cells.blanks import strip_blanks
from consumer.cells.chunks import Chunk
from consumer.datasets.cell_json import to_json_value
from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.copy_text import encode_rows, to_copy_text
from consumer.datasets.chats.rules.result import Invalid
from consumer.datasets.chats.rules.text import MAX_SHORT_TEXT_CHARS, MAX_TEXT_CHARS
from consumer.datasets.chats.rules.url import MAX_URL_BYTES
from consumer.datasets.record_json import RecordEncoder, to_json
from schemas.codes import RejectCode

SHORT_CELL_CHARS = 1_000
"""Of a cell whose rule takes numbers, dates, phones or flags: whatever is longer is none of them."""
TEXT_FIELDS = (
    "name", "external_chat_id", "creator_id", "owner_id", "organization", "foiv", "region", "region_number"
)  # fmt: skip
SHORT_TEXT_FIELDS = ("branch", "faculty", "group")
MAX_CELL_CHARS = dict.fromkeys(COLUMN_SPEC.headers, SHORT_CELL_CHARS) | {
    "url": MAX_URL_BYTES,
    **dict.fromkeys(TEXT_FIELDS, MAX_TEXT_CHARS),
    **dict.fromkeys(SHORT_TEXT_FIELDS, MAX_SHORT_TEXT_CHARS),
}
"""Characters of a cell in a record: as many as the rule of its field takes."""
MAX_REJECTED_BYTES = 8 << 20
"""COPY text of rejected rows in one batch, and one row more: the service holds three batches in memory.

10,000 rows with 7 % wrong ones of 19 columns make 1 MB.
"""
MAX_IDENTIFIER_CHARS, IDENTIFIER_SCAN_CHARS = MAX_URL_BYTES, 4 * MAX_TEXT_CHARS


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a row; no field where it is wrong as a whole."""

    field: str | None
    code: RejectCode
    message: str

    @classmethod
    def from_invalid(cls, field: str, invalid: Invalid) -> "FieldError":
        """What a rule said of a field."""
        return cls(field, invalid.code, invalid.message)

    def as_dict(self) -> dict[str, str | None]:
        """As it stands in the list of errors."""
        return {"field": self.field, "code": self.code, "message": self.message}


def database_rejection(sqlstate: str) -> FieldError:
    """The row keeps all rules, and Postgres would not have it."""
    sentence = f"PostgreSQL refused the row (SQLSTATE {sqlstate})"
    return FieldError(None, RejectCode.REFUSED_BY_DATABASE, sentence)


class RejectedRowEncoder:
    """The lines of rejected rows, bounded: one row as well as all rows of a batch."""

    def __init__(self) -> None:
        self._record_encoder = RecordEncoder(MAX_CELL_CHARS)

    def encode(self, chunk: Chunk, errors: Mapping[int, Sequence[FieldError]]) -> tuple[bytes, int]:
        """COPY text, and of how many rows of the chunk: of all, or up to where it takes MAX_REJECTED_BYTES.

        `errors` goes by place in the chunk. There is one line at least if there are errors.
        """
        text: list[bytes] = []
        size = 0
        for place, wrong in sorted(errors.items()):
            text.append(encode_rows([self._encode_row(chunk, place, wrong)]))
            size += len(text[-1])
            if size >= MAX_REJECTED_BYTES:
                return b"".join(text), place + 1
        return b"".join(text), len(chunk.positions)

    def _encode_row(self, chunk: Chunk, index: int, errors: Sequence[FieldError]) -> tuple[str, ...]:
        """Position, link or else ИНН, all errors, the row as read, kinds of cells, what was cut."""
        found = self._record_encoder.encode(chunk.record(index), chunk.record_fields)
        return (
            str(chunk.positions[index]),
            to_copy_text(_record_identifier(chunk, index)),
            to_copy_text(to_json([error.as_dict() for error in errors])),
            to_copy_text(found.record),
            to_copy_text(found.kinds),
            to_copy_text(found.cut),
        )


def _record_identifier(chunk: Chunk, index: int) -> str | None:
    for field in ("url", "inn"):
        value = to_json_value(chunk.columns[field][index]) if field in chunk.columns else None
        if value is not None and (text := strip_blanks(str(value)[:IDENTIFIER_SCAN_CHARS])):
            return text[:MAX_IDENTIFIER_CHARS]
    return None
