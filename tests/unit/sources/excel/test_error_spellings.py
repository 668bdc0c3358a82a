"""Thirty texts of errors, as results of formulas and typed, in all formats."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from consumer.cells.chunks import Cell
from tests.support.other_workbooks import (
    VISIBLE,
    ods_rows,
    raw_ods,
    raw_xlsb,
    xlsb_record,
    xlsb_sheet,
    xlsb_text,
)
from tests.support.raw_workbooks import make_members, write_workbook
from tests.support.read_columns import read_columns
from tests.support.workbooks import HEADER
from tests.support.xls import write_xls_sheets, xls_result

SPELLINGS = [
    "#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!",
    "#GETTING_DATA", "#SPILL!", "#CALC!", "#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!",
    "#BUSY!", "#EXTERNAL!", "#PYTHON!", "#ДЕЛ/0!", "#Н/Д", "#ИМЯ?", "#ПУСТО!",
    "#ЧИСЛО!", "#ССЫЛКА!", "#ЗНАЧ!", "#ПЕРЕНОС!", "#ВЫЧИСЛ!", "#ERROR!", "Loading...",
    "Загрузка...", "Err:502", "Err:504", "Err:522", "Ошибка:508",
]  # fmt: skip
OTHERS = ["#ПИ-21!", "N/A", "Loading", "Err:7", "ЗНАЧ!", "Группа #1"]
"""Texts that only look like errors."""
Make = Callable[[Path, Sequence[str], bool], Path]
"""Writes a workbook with texts, as results of formulas or typed."""


def xlsx(path: Path, texts: Sequence[str], is_result: bool, comment: str = "") -> Path:
    formula = "<f>A1</f>" if is_result else ""
    header = "".join(
        f'<c r="{letter}1" t="inlineStr"><is><t>{text}</t></is></c>'
        for letter, text in zip("ABC", HEADER, strict=True)
    )
    rows = "".join(
        f'<row r="{row}"><c r="A{row}"><v>7</v></c><c r="B{row}" t="str"><v>u</v></c>'
        f'<c r="C{row}" t="str">{formula}<v>{escape(text)}</v></c></row>'
        for row, text in enumerate(texts, 2)
    )
    return write_workbook(path, make_members(f'{comment}<row r="1">{header}</row>{rows}'))


def odd_xlsx(path: Path, texts: Sequence[str], is_result: bool) -> Path:
    """A workbook that only the row-by-row reader supports."""
    return xlsx(path, texts, is_result, "<!-- odd -->")


def xlsb(path: Path, texts: Sequence[str], is_result: bool) -> Path:
    kind, behind = (8, b"\0\0") if is_result else (6, b"")
    rows = [
        (7, "u", xlsb_record(kind, struct.pack("<2I", 2, 0) + xlsb_text(text) + behind)) for text in texts
    ]
    return raw_xlsb(path, [("worksheet", "Чаты", xlsb_sheet([HEADER, *rows]), VISIBLE)])


def xls(path: Path, texts: Sequence[str], is_result: bool) -> Path:
    rows = [(7, "u", xls_result(row, 2, text) if is_result else text) for row, text in enumerate(texts, 1)]
    return write_xls_sheets(path, [("Чаты", [HEADER, *rows], VISIBLE)])


def ods(path: Path, texts: Sequence[str], is_result: bool) -> Path:
    formula = 'table:formula="of:=A1" ' if is_result else ""
    rows = "".join(
        ods_rows([(7, "u", "?")]).replace(
            'office:value-type="string"><text:p>?',
            f'{formula}office:value-type="string"><text:p>{escape(text)}',
        )
        for text in texts
    )
    return raw_ods(path, f'<table:table table:name="Чаты">{ods_rows([HEADER])}{rows}</table:table>')


MAKERS: dict[str, Make] = {"xlsx": xlsx, "odd xlsx": odd_xlsx, "xlsb": xlsb, "xls": xls, "ods": ods}
IN_LITTLE_MEMORY = [(name, low_memory) for name in MAKERS for low_memory in (False, True) if name != "xls"]
ALL = [*IN_LITTLE_MEMORY, ("xls", False)]


def names(path: Path, low_memory: bool) -> list[Cell]:
    return [cell or None for cell in read_columns(path, low_memory=low_memory)["name"]]


@pytest.mark.parametrize(("kind", "low_memory"), ALL)
def test_result_of_a_formula_reads_as_empty(kind: str, low_memory: bool, tmp_path: Path) -> None:
    assert len(SPELLINGS) >= 30
    assert names(MAKERS[kind](tmp_path / "book", SPELLINGS, True), low_memory) == [None] * len(SPELLINGS)


@pytest.mark.parametrize(("kind", "low_memory"), ALL)
def test_typed_text_is_kept(kind: str, low_memory: bool, tmp_path: Path) -> None:
    assert names(MAKERS[kind](tmp_path / "book", SPELLINGS, False), low_memory) == SPELLINGS


@pytest.mark.parametrize(("kind", "low_memory"), ALL)
@pytest.mark.parametrize("is_result", [False, True])
def test_text_that_only_looks_like_an_error_is_kept(
    kind: str, low_memory: bool, is_result: bool, tmp_path: Path
) -> None:
    assert names(MAKERS[kind](tmp_path / "book", OTHERS, is_result), low_memory) == OTHERS
