"""Encodes a rejected row: what is wrong, what to do, and its record with the wrong cells marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consumer.rejected_file.layout import LEADING_COLUMNS
from consumer.rejected_file.writer_protocol import ErrorText, WorkbookParameters
from consumer.rejected_workbook.cell_styles import CellStyles
from consumer.rejected_workbook.value_cells import value_cell
from consumer.xlsx.cells import NO_CELL, blank_cell, number_cell, text_cell
from consumer.xlsx.texts import is_cut

JsonObject = Mapping[str, Any]
LEADING = len(next(iter(LEADING_COLUMNS.values())).headers)


@dataclass(frozen=True, slots=True)
class EncodedRow:
    """The cells of a row, and the explanation of each wrong cell, by the index of its column."""

    cells: Sequence[str]
    notes: Mapping[int, str]


class RowEncoder:
    """Encodes the rows of one workbook."""

    def __init__(self, parameters: WorkbookParameters, styles: CellStyles) -> None:
        self._columns = parameters.columns
        self._indexes = {name: LEADING + index for index, name in enumerate(parameters.columns)}
        self._fields = parameters.fields
        self._imported_columns = frozenset(parameters.fields.values())
        self._texts = parameters.texts
        self._styles = styles

    def encode(self, row: JsonObject, key: str) -> EncodedRow:
        """The row of an item of `GET …/errors`."""
        record: JsonObject = row["record"]
        kinds: Mapping[str, str] = row["kinds"] or {}
        cut = self._cut_columns(row)
        text = self._styles.right.text
        remedies = " ".join(self._remedies(row, cut))
        cells = [
            number_cell(row["row_number"], self._styles.right.integer),
            text_cell("; ".join(map(self._describe, row["errors"])), text),
            text_cell(remedies, text) if remedies else NO_CELL,
            NO_CELL,
            *(value_cell(record.get(name), kinds.get(name), self._styles.right) for name in self._columns),
            text_cell(key, text),
        ]
        for name in cut:
            cells[self._indexes[name]] = value_cell(record[name], kinds.get(name), self._styles.cut)
        errors = self._errors_by_column(row["errors"])
        for name in errors:
            cell = value_cell(record.get(name), kinds.get(name), self._styles.wrong)
            cells[self._indexes[name]] = cell or blank_cell(self._styles.wrong.text)
        return EncodedRow(
            cells, {self._indexes[name]: self._note(errors[name], kinds.get(name)) for name in errors}
        )

    def _cut_columns(self, row: JsonObject) -> list[str]:
        """Columns of which the workbook does not contain the whole text."""
        stored = (row["record_cut"] or {}).get("cut", ())
        record = row["record"]
        return [
            name
            for name, value in record.items()
            if name in self._indexes and (name in stored or (value.__class__ is str and is_cut(value)))
        ]

    def _errors_by_column(self, errors: Sequence[JsonObject]) -> dict[str, list[JsonObject]]:
        by_column: dict[str, list[JsonObject]] = {}
        for error in errors:
            column = self._column(error)
            if column in self._indexes:
                by_column.setdefault(column, []).append(error)
        return by_column

    def _column(self, error: JsonObject) -> str:
        """The column of an error's field, or the field if the source lacks it; empty for the whole row."""
        field = error["field"] or ""
        return self._fields.get(field, field)

    def _describe(self, error: JsonObject) -> str:
        column = self._column(error)
        title = self._explain(error).title
        return f"{column}: {title}" if column else title

    def _explain(self, error: JsonObject) -> ErrorText:
        """The texts of an error; of a code of a newer service its message."""
        return self._texts.errors.get(error["code"]) or ErrorText(error["message"], "")

    def _remedies(self, row: JsonObject, cut: Sequence[str]) -> Iterator[str]:
        """What to do about the row, each sentence once."""
        remedies = [self._explain(error).remedy for error in row["errors"]]
        if row["record_cut"] is not None and self._lacks_imported(row["record_cut"], cut):
            remedies.append(self._texts.cut)
        return filter(None, dict.fromkeys(remedies))

    def _lacks_imported(self, record_cut: JsonObject, cut: Sequence[str]) -> bool:
        """Whether a value that is imported is missing: such a row cannot be corrected in the workbook."""
        return record_cut["left_out"] is None or not self._imported_columns.isdisjoint(cut)

    def _note(self, errors: Sequence[JsonObject], kind: str | None) -> str:
        sentences = [self._texts.kinds.get(kind or "", "")]
        for error in errors:
            explained = self._explain(error)
            sentences += [f"{explained.title}.", explained.remedy]
        return " ".join(filter(None, sentences))
