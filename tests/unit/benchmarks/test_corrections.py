"""The report of `make bench-corrections`, and the files of corrected rows that it sends."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import openpyxl

from benchmarks.corrections.export import Export
from benchmarks.corrections.files import write_corrected
from benchmarks.corrections.report import import_ratio_line, limit_lines

HEADER = ["Строка", "Что не так", "Что сделать", "Пропустить", "ИНН", "Ссылка на чат", "row_key"]


def _export(seconds: float, import_seconds: float | None = None) -> Export:
    return Export(seconds, 20.0, 90.0, 0.01, 0, 100, import_seconds)


def _benchmark(**changes: Any) -> Any:
    figures = {
        "dry_run_ratio": 0.7,
        "exports": [_export(20.0), _export(30.0, 9.0)],
        "corrections": [1.0, 2.0],
        "imports": [6.0],
    }
    return cast("Any", SimpleNamespace(**(figures | changes)))


def test_figures_are_printed_beside_their_limits() -> None:
    lines = limit_lines(_benchmark())
    assert not any(line.is_exceeded for line in lines)
    assert any("longest export" in line.text and "30.00 of 60 s  ok" in line.text for line in lines)
    assert import_ratio_line(_benchmark()).endswith(": 1.50")


def test_figure_above_its_limit_is_named() -> None:
    for changes in (
        {"dry_run_ratio": 0.81},
        {"corrections": [1.0, 3.1]},
        {"exports": [_export(60.1)]},
        {"exports": [Export(1.0, 1.0, 251.0, 0.0, 0, 1, None)]},
        {"exports": [Export(1.0, 1.0, 1.0, 0.0, 1, 1, None)]},
    ):
        [exceeded] = [line for line in limit_lines(_benchmark(**changes)) if line.is_exceeded]
        assert exceeded.text.endswith("EXCEEDED")


def test_files_have_full_parts_of_corrected_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(HEADER)
    for number in range(5):
        sheet.append([number, "x", "y", None, "12", "no link", f"key {number}"])
    book.save(tmp_path / "exported.xlsx")
    names = write_corrected(tmp_path / "exported.xlsx", tmp_path, 2)
    assert len(names) == 2
    rows = list(openpyxl.load_workbook(tmp_path / names[1]).worksheets[0].values)
    assert list(rows[0]) == HEADER
    assert [row[-1] for row in rows[1:]] == ["key 2", "key 3"]
    assert [row[4] for row in rows[1:]] == ["7707083893"] * 2
