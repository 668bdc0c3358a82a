"""Rejected rows, as lines of the section that becomes `migration_errors`: bounded in every way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from consumer.datasets.bounded_record import RecordWriter, written
from consumer.datasets.chats.copytext import lines, rendered
from consumer.datasets.chats.fields import FIELDS
from consumer.datasets.chats.rules.blanks import trimmed
from consumer.datasets.chats.rules.text import NAME_LIMIT, TEXT_LIMIT
from consumer.datasets.chats.rules.url import URL_BYTES
from consumer.datasets.chats.rules.verdict import Wrong
from consumer.datasets.plain_cells import plain
from consumer.records import Chunk
from schemas.codes import RejectCode

SHORT_CHARS = 1_000
"""Of a cell whose rule takes numbers, dates, phones or flags: whatever is longer is none of them."""
TEXTS = (
    "name", "external_chat_id", "creator_id", "owner_id", "organization", "foiv", "region", "region_number"
)  # fmt: skip
NAMES = ("branch", "faculty", "group")
CELL_LIMITS = dict.fromkeys(FIELDS.headers, SHORT_CHARS) | {
    "url": URL_BYTES,
    **dict.fromkeys(TEXTS, TEXT_LIMIT),
    **dict.fromkeys(NAMES, NAME_LIMIT),
}
"""Characters of a cell in a record: as many as the rule of its field takes."""
REJECTS_BYTES = 8 << 20
"""COPY text of rejected rows in one batch, and one row more: the service holds three batches in memory.

10,000 rows with 7 % wrong ones of 19 columns make 1 MB.
"""
IDENTIFIER_CHARS, IDENTIFIER_READ = URL_BYTES, 4 * TEXT_LIMIT


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with a row; no field where it is wrong as a whole."""

    field: str | None
    code: RejectCode
    message: str

    @classmethod
    def of(cls, field: str, wrong: Wrong) -> "FieldError":
        """What a rule said of a field."""
        return cls(field, wrong.code, wrong.message)

    def plain(self) -> dict[str, str | None]:
        """As it stands in the list of errors."""
        return {"field": self.field, "code": self.code, "message": self.message}


def refused_by_database(sqlstate: str) -> FieldError:
    """The row keeps all rules, and Postgres would not have it."""
    sentence = f"PostgreSQL refused the row (SQLSTATE {sqlstate})"
    return FieldError(None, RejectCode.REFUSED_BY_DATABASE, sentence)


class RejectLines:
    """The lines of rejected rows, bounded: one row as well as all rows of a batch."""

    def __init__(self) -> None:
        self._writer = RecordWriter(CELL_LIMITS)

    def of(self, chunk: Chunk, errors: Mapping[int, Sequence[FieldError]]) -> tuple[bytes, int]:
        """COPY text, and of how many rows of the chunk: of all, or up to where it takes REJECTS_BYTES.

        `errors` goes by place in the chunk. There is one line at least if there are errors.
        """
        text: list[bytes] = []
        size = 0
        for place, wrong in sorted(errors.items()):
            text.append(lines([self._line(chunk, place, wrong)]))
            size += len(text[-1])
            if size >= REJECTS_BYTES:
                return b"".join(text), place + 1
        return b"".join(text), len(chunk.positions)

    def _line(self, chunk: Chunk, place: int, errors: Sequence[FieldError]) -> tuple[str, ...]:
        """Position, link or else ИНН, all errors, the row as read, kinds of cells, what was cut."""
        found = self._writer.write(chunk.record(place), chunk.record_fields)
        return (
            str(chunk.positions[place]),
            rendered(_identifier(chunk, place)),
            rendered(written([error.plain() for error in errors])),
            rendered(found.record),
            rendered(found.kinds),
            rendered(found.cut),
        )


def _identifier(chunk: Chunk, place: int) -> str | None:
    for field in ("url", "inn"):
        value = plain(chunk.columns[field][place]) if field in chunk.columns else None
        if value is not None and (text := trimmed(str(value)[:IDENTIFIER_READ])):
            return text[:IDENTIFIER_CHARS]
    return None
