"""Makes a workbook like those people send, and says exactly what an import of it must report.

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
    """Write a workbook of so many rows of data and return what its import must report.

    Args:
        wrong: share of rows that must be rejected, every kind of fault in turn.
        odd: share of rows that are repaired, warned about, or merely unusual, every kind in turn.
        duplicates: share of rows whose link stood in an earlier row.
        unstorable: whether faults may hold NUL and lone surrogates, which end a bare load.
    """
    shape = layout_of(layout, seed)
    maker = RowGenerator(rows, seed, shape, unstorable=unstorable)
    with WorkbookWriter(Path(path)) as book:
        for name in shape.preceding_sheets:
            with book.add_sheet(name, 1, 1) as other:
                other.write_row(1, ["Чаты стоят на следующем листе"])
        with book.add_sheet(shape.sheet, len(shape.columns), shape.row_number(rows - 1)) as sheet:
            _write_header(sheet, shape)
            maker.write(sheet, plan_rows(rows, seed, invalid_share, unusual_share, duplicate_share))
    return maker.counter.expected(layout, shape.sheet, seed)


def _write_header(sheet: SheetWriter, layout: Layout) -> None:
    rest = [None] * (len(layout.columns) - 1)
    for number, title in sorted(layout.title_rows.items()):
        sheet.write_row(number, [title, *rest])
    sheet.write_row(layout.header_row, [header for header, _ in layout.columns])


def main(
    out: Annotated[Path, typer.Argument(help="the workbook to write")],
    rows: Annotated[int, typer.Option(min=1)] = 155_000,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    wrong: Annotated[float, typer.Option(min=0, max=0.9, help="share of wrong rows")] = 0.07,
    layout: Annotated[str, typer.Option(help=", ".join(LAYOUTS))] = "newest",
) -> None:
    """Make a workbook; the counts an import must report go to standard output."""
    if layout not in LAYOUTS:
        raise typer.BadParameter(f"must be one of {', '.join(LAYOUTS)}", param_hint="--layout")
    expected = make_workbook(out, rows=rows, seed=seed, invalid_share=wrong, layout=layout)
    expected.write_beside(out)
    print(json.dumps(expected.counts(), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    typer.run(main)
