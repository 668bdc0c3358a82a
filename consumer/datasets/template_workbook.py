"""Writes the template of a dataset as a workbook: headers with notes, formats, drop-downs, example rows."""

import io
from collections.abc import Collection
from datetime import date

from openpyxl import Workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from consumer.datasets.base import Template, TemplateColumn, TemplateFormat, TemplateValue

NUMBER_FORMATS = {
    TemplateFormat.TEXT: "@",
    TemplateFormat.WHOLE_NUMBER: "0",
    TemplateFormat.DATE: "dd.mm.yyyy",
    TemplateFormat.FLAG: "@",
}
FLAG_CHOICES = '"да,нет"'
LAST_ROW = 1_048_576
MIN_WIDTH, WIDTH_MARGIN = 12, 2
"""Characters."""
NOTE_WIDTH, NOTE_HEIGHT = 340, 190
"""Pixels; enough for the longest note."""
NOTE_AUTHOR = "template"
"""Excel shows an author of each note; it names no person."""
REQUIRED_FILL = PatternFill("solid", fgColor="FFE2A8")
OPTIONAL_FILL = PatternFill("solid", fgColor="DDE6F0")
EXAMPLES_RUSSIAN = "Строки 2 и 3 — примеры: удалите их."
EXAMPLES_ENGLISH = "Rows 2 and 3 are examples: delete them."


def template_workbook(template: Template, required: Collection[str]) -> bytes:
    """The .xlsx file; `required` are the fields that every row must have. It names no author or machine."""
    book = Workbook()
    book.properties.creator = None
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101 – a new workbook has one
    sheet.title = template.sheet
    for number, column in enumerate(template.columns, 1):
        _write_column(sheet, number, column, is_required=column.field in required)
    _add_drop_downs(sheet, template)
    sheet.freeze_panes = "A2"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _write_column(sheet: Worksheet, number: int, column: TemplateColumn, *, is_required: bool) -> None:
    header = sheet.cell(1, number, column.header)
    header.font = Font(bold=True)
    header.fill = REQUIRED_FILL if is_required else OPTIONAL_FILL
    header.alignment = Alignment(wrap_text=True, vertical="top")
    note = _note(column, is_required=is_required, is_first=number == 1)
    header.comment = Comment(note, NOTE_AUTHOR, height=NOTE_HEIGHT, width=NOTE_WIDTH)
    dimension = sheet.column_dimensions[get_column_letter(number)]
    dimension.width = max(MIN_WIDTH, *(len(_shown(cell)) + WIDTH_MARGIN for cell in column.examples))
    dimension.number_format = NUMBER_FORMATS[column.format]
    for row, value in enumerate(column.examples, 2):
        cell = sheet.cell(row, number, value)
        cell.number_format = NUMBER_FORMATS[column.format]


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


def _add_drop_downs(sheet: Worksheet, template: Template) -> None:
    letters = [
        get_column_letter(number)
        for number, column in enumerate(template.columns, 1)
        if column.format is TemplateFormat.FLAG
    ]
    if not letters:
        return
    choices = DataValidation(type="list", formula1=FLAG_CHOICES, allow_blank=True)
    for letter in letters:
        choices.add(f"{letter}2:{letter}{LAST_ROW}")
    sheet.add_data_validation(choices)
