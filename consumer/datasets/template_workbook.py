"""Writes the template of a dataset as a workbook: headers with notes, formats, drop-downs, example rows."""

import io
from collections.abc import Collection, Iterator
from datetime import date

from consumer.datasets.base import Template, TemplateColumn, TemplateFormat, TemplateValue
from consumer.xlsx.cells import moment_number, number_cell, text_cell
from consumer.xlsx.formats import CellFormat, Formats, NumberFormat
from consumer.xlsx.sheet import Column, SheetLayout
from consumer.xlsx.workbook import WorkbookWriter

NUMBER_FORMATS = {
    TemplateFormat.TEXT: NumberFormat.TEXT,
    TemplateFormat.WHOLE_NUMBER: NumberFormat.INTEGER,
    TemplateFormat.DATE: NumberFormat.DATE,
    TemplateFormat.FLAG: NumberFormat.TEXT,
}
FLAG_CHOICES = ("да", "нет")
MIN_WIDTH, WIDTH_MARGIN = 12, 2
"""Characters."""
NOTE_COLUMNS, NOTE_ROWS = 3, 13
"""Size of a note in cells; enough for the longest one."""
MAX_BYTES = 1 << 20
"""Of the parts of the workbook before compression; that of chats has 40 KB."""
REQUIRED_FILL = "FFE2A8"
OPTIONAL_FILL = "DDE6F0"
EXAMPLES_RUSSIAN = "Строки 2 и 3 — примеры: удалите их."
EXAMPLES_ENGLISH = "Rows 2 and 3 are examples: delete them."


def template_workbook(template: Template, required: Collection[str]) -> bytes:
    """The .xlsx file; `required` are the fields that every row must have. It names no author or machine."""
    content = io.BytesIO()
    book = WorkbookWriter(content, MAX_BYTES)
    layout = SheetLayout(template.sheet, [_layout(column, book.formats) for column in template.columns])
    with book.sheet(layout) as sheet:
        sheet.write_row(list(_headers(template, required, book.formats)))
        for number, column in enumerate(template.columns):
            note = _note(column, is_required=column.field in required, is_first=number == 0)
            sheet.add_note(number, note, columns=NOTE_COLUMNS, rows=NOTE_ROWS)
        for examples in zip(*(column.examples for column in template.columns), strict=True):
            sheet.write_row(list(map(_example, examples, layout.columns)))
    book.close()
    return content.getvalue()


def _layout(column: TemplateColumn, formats: Formats) -> Column:
    shown = (column.header, *map(_shown, column.examples))
    return Column(
        max(MIN_WIDTH, *(len(text) + WIDTH_MARGIN for text in shown)),
        formats.index(CellFormat(NUMBER_FORMATS[column.format])),
        FLAG_CHOICES if column.format is TemplateFormat.FLAG else (),
    )


def _headers(template: Template, required: Collection[str], formats: Formats) -> Iterator[str]:
    for column in template.columns:
        fill = REQUIRED_FILL if column.field in required else OPTIONAL_FILL
        yield text_cell(column.header, formats.index(CellFormat(NumberFormat.TEXT, fill, bold=True)))


def _example(value: TemplateValue, column: Column) -> str:
    if isinstance(value, str):
        return text_cell(value, column.style)
    number = moment_number(value) if isinstance(value, date) else value
    if number is None:
        raise ValueError(f"A workbook cannot contain the example {value}.")
    return number_cell(number, column.style)


def _note(column: TemplateColumn, *, is_required: bool, is_first: bool) -> str:
    """The note of a header in both languages."""
    example = _shown(column.examples[0])
    russian = [
        "Обязательно." if is_required else "Необязательно.",
        column.russian,
        f"Например: {example}",
        *([EXAMPLES_RUSSIAN] if is_first else []),
    ]
    english = [
        "Required." if is_required else "Optional.",
        column.english,
        f"For example: {example}",
        *([EXAMPLES_ENGLISH] if is_first else []),
    ]
    return "\n".join(russian) + "\n\n" + "\n".join(english)


def _shown(cell: TemplateValue) -> str:
    return f"{cell:%d.%m.%Y}" if isinstance(cell, date) else str(cell)
