"""Small workbooks whose rejected rows would make huge records: many cells share one long text."""

from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from consumer.cells.column_letters import column_letter
from tests.support.workbooks import raw_xlsx, text_cell

LONG = "ж" * 32_767
"""The maximum of an Excel cell; 64 KB in UTF-8."""
INVALID_INN, LINK = "12", "https://max.ru/join/{}"


def shared_strings(*texts: str) -> str:
    """The shared strings of a workbook."""
    return "".join(f'<si><t xml:space="preserve">{escape(text)}</t></si>' for text in texts)


def shared_cell(reference: str, index: int) -> str:
    """A cell with a shared string."""
    return f'<c r="{reference}" t="s"><v>{index}</v></c>'


def row(number: int, cells: Sequence[str]) -> str:
    """A row of cells as XML."""
    return f'<row r="{number}">{"".join(cells)}</row>'


def header_row(columns: int, title: Callable[[int], str]) -> str:
    """The two required headers, and `columns` unmapped columns."""
    others = [text_cell(f"{column_letter(2 + n)}1", title(n)) for n in range(columns)]
    return row(1, [text_cell("A1", "ИНН"), text_cell("B1", "Ссылка"), *others])


def rejected_row(number: int, columns: int, cell: Callable[[str, int], str]) -> str:
    """A row with a wrong ИНН; `cell` makes the other cells from reference and number."""
    own = [text_cell(f"A{number}", INVALID_INN), text_cell(f"B{number}", LINK.format(number))]
    return row(number, [*own, *(cell(f"{column_letter(2 + n)}{number}", n) for n in range(columns))])


def sharing_workbook(path: Path, *, columns: int, rows: int = 1, text: str = LONG) -> Path:
    """Wrong rows with `columns` cells that share one text, and as many headers."""
    head = header_row(columns, lambda n: f"Столбец {n}")
    body = "".join(rejected_row(2 + n, columns, lambda at, _: shared_cell(at, 0)) for n in range(rows))
    return raw_xlsx(path, head + body, strings=shared_strings(text))


def long_headers_workbook(path: Path) -> Path:
    """The widest possible sheet, with the longest headers, and a wrong row of numbers."""
    columns = 16_382
    heads = [shared_cell(f"{column_letter(2 + n)}1", 0) for n in range(columns)]
    head = row(1, [text_cell("A1", "ИНН"), text_cell("B1", "Ссылка"), *heads])
    body = rejected_row(2, columns, lambda at, n: f'<c r="{at}"><v>{n}.5</v></c>')
    return raw_xlsx(path, head + body, strings=shared_strings(LONG))


def inline_workbook(path: Path) -> Path:
    """A wrong row of 40 cells with different inline strings."""
    body = rejected_row(2, 40, lambda at, n: text_cell(at, f"{n} {LONG}"))
    return raw_xlsx(path, header_row(40, lambda n: f"Столбец {n}") + body)


KINDS_STYLES = '<cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="46"/></cellXfs>'
KINDS_CELLS = (
    '<c r="C2"><v>1.5</v></c><c r="D2" s="1"><v>45293</v></c><c r="E2" t="b"><v>1</v></c>'
    '<c r="F2" t="e"><v>#N/A</v></c><c r="G2" t="str"><f>X()</f><v>#REF!</v></c>'
    '<c r="H2"><f>A1</f></c><c r="I2"><v>1e20</v></c><c r="J2" s="2"><v>1.5</v></c>'
)
EXPECTED_KINDS = {"D": "date", "F": "error", "G": "error", "H": "formula", "I": "number", "J": "duration"}


def kinds_workbook(path: Path) -> Path:
    """A wrong row with a number, a date, a bool, errors, and more, in the unmapped columns C to J."""
    own = text_cell("A2", INVALID_INN) + text_cell("B2", LINK.format(2))
    return raw_xlsx(path, header_row(0, str) + f'<row r="2">{own}{KINDS_CELLS}</row>', styles=KINDS_STYLES)
