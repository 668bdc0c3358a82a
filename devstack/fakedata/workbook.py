"""Generates a workbook like those that universities send, and what an import of it must report.

`python -m devstack.fakedata.workbook OUT.xlsx --rows 155000 --seed 1 --wrong 0.07` prints the counts as JSON
and writes them, with every rejected row, to `OUT.expected.json`.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from devstack.fakedata.expected import ExpectedImport
from devstack.fakedata.layouts import LAYOUTS, Layout, layout_of
from devstack.fakedata.row_generator import RowGenerator, plan_rows
from devstack.fakedata.xlsx_writer import SheetWriter, WorkbookWriter

UNUSUAL_SHARE = 0.05
DUPLICATE_SHARE = 0.01


def make_workbook(
    path: Path | str,
    *,
    rows: int,
    seed: int = 1,
    invalid_share: float = 0.07,
    layout: str = "newest",
    unusual_share: float = UNUSUAL_SHARE,
    duplicate_share: float = DUPLICATE_SHARE,
    unstorable: bool = True,
) -> ExpectedImport:
    """Write a workbook with `rows` rows of data and return what its import must report.

    Args:
        path: the file to write.
        rows: number of data rows.
        seed: workbooks of different seeds have different links.
        invalid_share: share of rows that must be rejected, with every kind of invalid cell in turn.
        layout: a name in LAYOUTS.
        unusual_share: share of rows with an unusual cell, every kind in turn.
        duplicate_share: share of rows that repeat the link of an earlier row.
        unstorable: whether invalid cells may hold NUL and lone surrogates, on which an unchecked load fails.
    """
    chosen = layout_of(layout, seed)
    generator = RowGenerator(rows, seed, chosen, unstorable=unstorable)
    with WorkbookWriter(Path(path)) as book:
        for name in chosen.preceding_sheets:
            with book.add_sheet(name, 1, 1) as preceding:
                preceding.write_row(1, ["Чаты стоят на следующем листе"])
        with book.add_sheet(chosen.sheet, len(chosen.columns), chosen.row_number(rows - 1)) as sheet:
            _write_header(sheet, chosen)
            generator.write(sheet, plan_rows(rows, seed, invalid_share, unusual_share, duplicate_share))
    return generator.counter.expected(layout, chosen.sheet, seed)


def _write_header(sheet: SheetWriter, layout: Layout) -> None:
    empty = [None] * (len(layout.columns) - 1)
    for number, title in sorted(layout.title_rows.items()):
        sheet.write_row(number, [title, *empty])
    sheet.write_row(layout.header_row, [header for header, _ in layout.columns])


def main(
    out: Annotated[Path, typer.Argument(help="the workbook to write")],
    rows: Annotated[int, typer.Option(min=1)] = 155_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    wrong: Annotated[float, typer.Option(min=0, max=0.9, help="share of rows that must be rejected")] = 0.07,
    layout: Annotated[str, typer.Option(help=", ".join(LAYOUTS))] = "newest",
) -> None:
    """Generate a workbook and print what an import of it must report."""
    if layout not in LAYOUTS:
        raise typer.BadParameter(f"must be one of {', '.join(LAYOUTS)}", param_hint="--layout")
    expected = make_workbook(out, rows=rows, seed=seed, invalid_share=wrong, layout=layout)
    expected.write_beside(out)
    print(json.dumps(expected.counts(), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    typer.run(main)
