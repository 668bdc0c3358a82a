"""Rejected rows, as lines of the section that becomes `migration_errors`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from consumer.datasets.chats.copytext import rendered
from consumer.datasets.chats.rules.blanks import trimmed
from consumer.datasets.chats.rules.text import EXACT_NUMBERS
from consumer.datasets.chats.rules.verdict import Wrong
from consumer.records import Cell, Chunk
from schemas.codes import RejectCode

written = json.JSONEncoder(ensure_ascii=False).encode
"""Values as JSON; `json.dumps` would make an encoder for every row."""


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


def line(chunk: Chunk, place: int, errors: Sequence[FieldError]) -> tuple[str, ...]:
    """Position, link or else ИНН, all errors, the row as read."""
    record = {storable(header): shown(cell) for header, cell in chunk.record(place).items()}
    return (
        str(chunk.positions[place]),
        rendered(_identifier(chunk, place)),
        rendered(written([error.plain() for error in errors])),
        rendered(written(record)),
    )


def _identifier(chunk: Chunk, place: int) -> str | None:
    for field in ("url", "inn"):
        value = shown(chunk.columns[field][place]) if field in chunk.columns else None
        if value is not None and (text := trimmed(str(value))):
            return text
    return None


def shown(cell: Cell) -> str | int | float | bool | None:
    """A cell as JSON can hold it: whole numbers without `.0`, dates as ISO text."""
    match cell:
        case None | bool():
            return cell
        case int() | float() if -EXACT_NUMBERS < cell < EXACT_NUMBERS:
            return int(cell) if cell == int(cell) else cell
        case int():
            return cell
        case float() | Decimal():
            return str(cell)
        case date() | time():
            return cell.isoformat()
        case _:
            return storable(str(cell))


def storable(text: str) -> str:
    """The text with what Postgres cannot keep written visibly, as `\\u0000` or `\\ud83d`."""
    if text.isprintable():
        return text
    return text.replace("\x00", "\\u0000").encode("utf-8", "backslashreplace").decode()
