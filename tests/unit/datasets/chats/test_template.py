"""The template: the columns of the newest export, and example rows that pass all rules."""

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from openpyxl.styles.numbers import BUILTIN_FORMATS
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from consumer.datasets.base import Template, TemplateFormat
from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.dataset import DATASET
from consumer.datasets.chats.template import TEMPLATE
from consumer.datasets.template_workbook import template_workbook
from consumer.sources.base import SourceConfig
from consumer.sources.excel.source import ExcelSource
from consumer.xlsx.sheet_size import MAX_ROWS

NEWEST_EXPORT = [
    "№ Региона",
    "Регион",
    "ID чата",
    "Название чата",
    "Ссылка на чат",
    "Кол-во участников чата",
    "ID владельца чата",
    "Телефон владельца чата",
    "Дата создания чата",
    "ID создателя чата",
    "Организация",
    "ИНН",
    "КПП",
    "Головная организация",
    "Факультет",
    "Курс",
    "Группа",
    "Добавлен пользователь",
    "Добавлен администратор",
]
RUSSIAN, LATIN = re.compile("[а-яё]{4}"), re.compile("[a-z]{4}")


@pytest.fixture(scope="module")
def content() -> bytes:
    """The file."""
    return template_workbook(TEMPLATE, COLUMN_SPEC.required)


@pytest.fixture(scope="module")
def sheet(content: bytes) -> Worksheet:
    """Its only sheet."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert book.sheetnames == ["Чаты"]
    page = book["Чаты"]
    assert isinstance(page, Worksheet)
    return page


def read(content: bytes, folder: Path) -> Iterator[tuple[ExcelSource, object]]:
    inbox, scratch = folder / "inbox", folder / "scratch"
    inbox.mkdir()
    scratch.mkdir()
    (inbox / "template.xlsx").write_bytes(content)
    source = ExcelSource(
        {"file": {"path": "template.xlsx"}}, SourceConfig(COLUMN_SPEC, 1_000, scratch, inbox, 1 << 30)
    )
    yield source, source.open()
    source.close()


def test_headers_are_those_of_the_newest_export(sheet: Worksheet) -> None:
    assert [cell.value for cell in sheet[1]] == NEWEST_EXPORT
    assert sheet.freeze_panes == "A2"


def test_example_rows_pass_all_rules(content: bytes, tmp_path: Path) -> None:
    for source, _ in read(content, tmp_path):
        (chunk,) = source.chunks()
        assert set(chunk.columns) == {column.field for column in TEMPLATE.columns}
        for source_type in ("excel", "google_sheets"):
            batch = DATASET.make_validator(source_type, date(2025, 10, 1)).validate(chunk, {})
            assert (batch.row_count, batch.accepted, batch.rejected) == (2, 2, 0)
            assert batch.warnings == {}
            assert batch.copy_streams["stage_chats"].count(b"https://max.ru/join/primer-") == 2


def test_every_field_of_the_export_is_described_in_both_languages(sheet: Worksheet) -> None:
    for column, cell in zip(TEMPLATE.columns, sheet[1], strict=True):
        assert cell.comment is not None
        russian, english = cell.comment.text.split("\n\n")
        required = column.field in COLUMN_SPEC.required
        assert russian.startswith("Обязательно." if required else "Необязательно.")
        assert english.startswith("Required." if required else "Optional.")
        assert column.russian in russian
        assert column.english in english
        assert "Например: " in russian
        assert "For example: " in english
        assert RUSSIAN.search(column.russian)
        assert LATIN.search(column.english)


def test_first_note_says_that_rows_are_examples(sheet: Worksheet) -> None:
    first, *others = (cell.comment.text for cell in sheet[1] if cell.comment)
    assert "Строки 2 и 3 — примеры" in first
    assert "Rows 2 and 3 are examples" in first
    assert not [text for text in others if "примеры" in text]


def test_columns_have_formats_that_keep_leading_zeros(sheet: Worksheet) -> None:
    formats = {
        TemplateFormat.TEXT: "@",
        TemplateFormat.FLAG: "@",
        TemplateFormat.DATE: BUILTIN_FORMATS[14],  # as the user's language writes it
        TemplateFormat.WHOLE_NUMBER: "0",
    }
    for number, column in enumerate(TEMPLATE.columns, 1):
        letter = get_column_letter(number)
        assert sheet.column_dimensions[letter].number_format == formats[column.format]
        assert {sheet[f"{letter}{row}"].number_format for row in (2, 3)} == {formats[column.format]}


def test_flags_have_drop_downs(sheet: Worksheet) -> None:
    choices = sheet.data_validations.dataValidation
    flags = [
        get_column_letter(number)
        for number, column in enumerate(TEMPLATE.columns, 1)
        if column.field in {"add_user", "add_admin"}
    ]
    assert {choice.formula1 for choice in choices} == {'"да,нет"'}
    assert [str(choice.sqref) for choice in choices] == [f"{letter}2:{letter}{MAX_ROWS}" for letter in flags]


def test_file_names_no_author_and_no_machine(content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("docProps")]
        assert b"<authors><author></author></authors>" in archive.read("xl/comments1.xml")


def test_same_template_is_the_same_file(content: bytes) -> None:
    assert template_workbook(TEMPLATE, COLUMN_SPEC.required) == content


def test_dataset_without_flags_has_no_drop_down() -> None:
    plain = Template("Лист", TEMPLATE.columns[:3])
    book = openpyxl.load_workbook(io.BytesIO(template_workbook(plain, ())))
    page = book["Лист"]
    assert isinstance(page, Worksheet)
    assert page.data_validations.dataValidation == []
