"""Writes small .xlsx workbooks for tests: plain, unusual, and hostile."""

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

HEADER = ("ИНН", "Ссылка на чат", "Название чата")
FIXTURES = Path(__file__).parent.parent / "fixtures" / "workbooks"

MAIN_NS = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONSHIPS_NS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE_NS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
Rows = Iterable[Sequence[object]]


def data_rows(count: int) -> list[tuple[object, ...]]:
    """`count` valid rows for the columns HEADER."""
    return [(7_700_000_000 + i, f"https://max.ru/join/{i}", f"Чат {i}") for i in range(count)]


def write_xlsx(path: Path, db: Rows, sheet: str = "Чаты", first_row: int = 1) -> Path:
    """A plain workbook by xlsxwriter; None leaves out a cell, formulas begin with `=`."""
    book = xlsxwriter.Workbook(path, {"default_date_format": "dd.mm.yyyy", "strings_to_urls": False})
    page = book.add_worksheet(sheet)
    for row, cells in enumerate(db, first_row - 1):
        for column, cell in enumerate(cells):
            if cell is not None:
                page.write(row, column, cell)
    book.close()
    return path


def write_sheets(path: Path, names: Sequence[str], charts: Sequence[str] = ()) -> Path:
    """A workbook of charts, then worksheets; each worksheet has its name in row 2."""
    book = xlsxwriter.Workbook(path)
    chartsheets = [book.add_chartsheet(name) for name in charts]
    for number, name in enumerate(names):
        page = book.add_worksheet(name)
        page.write_row(0, 0, HEADER)
        page.write_row(1, 0, (7_700_000_000 + number, f"https://max.ru/{number}", name))
    for chartsheet in chartsheets:
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": [names[0] if names else charts[0], 0, 0, 3, 0]})
        chartsheet.set_chart(chart)
    book.close()
    return path


def rename_sheet(path: Path, name: str) -> Path:
    """Rename the first sheet of an .xlsx, also to a name that no program accepts."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    book = parts["xl/workbook.xml"].decode()
    renamed = re.sub(r'<sheet name="[^"]*"', lambda _: f"<sheet name={quoteattr(name)}", book)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for part, content in (parts | {"xl/workbook.xml": renamed.encode()}).items():
            archive.writestr(part, content)
    return path


def raw_xlsx(
    path: Path,
    rows: str,
    *,
    strings: str | None = None,
    styles: str | None = None,
    before: str = "",
    main: str = MAIN_NS,
    workbook: str = "",
    sheets: str = "",
    extra: Mapping[str, bytes] | None = None,
) -> Path:
    """An .xlsx with the XML of its rows, shared strings (`<si>`…) and styles as given."""
    parts = {
        "worksheet": (
            "worksheets/sheet1.xml",
            f'<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>',
        ),
        "sharedStrings": ("sharedStrings.xml", strings and f'<sst xmlns="{main}">{strings}</sst>'),
        "styles": ("styles.xml", styles and f'<styleSheet xmlns="{main}">{styles}</styleSheet>'),
    }
    present = {kind: (name, xml) for kind, (name, xml) in parts.items() if xml is not None}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", content_types(name for name, _ in present.values()))
        archive.writestr("_rels/.rels", relations([("officeDocument", "xl/workbook.xml")]))
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{main}" xmlns:r="{OFFICE_NS}">{workbook}'
            f'<sheets><sheet name="Чаты" sheetId="1" r:id="rId1"/>{sheets}</sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels", relations((kind, name) for kind, (name, _) in present.items())
        )
        for name, xml in present.values():
            archive.writestr(f"xl/{name}", before + str(xml))
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return path


def text_cell(reference: str, text: str) -> str:
    """A cell with an inline string."""
    return f'<c r="{reference}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def text_row(number: int, *texts: str) -> str:
    """A row of texts from column A on."""
    cells = "".join(text_cell(f"{chr(ord('A') + i)}{number}", text) for i, text in enumerate(texts))
    return f'<row r="{number}">{cells}</row>'


def stray_cell_xlsx(path: Path, count: int) -> Path:
    """`count` valid rows, and one cell in the last row and column of a sheet."""
    rows = [text_row(1, *HEADER)]
    rows += [text_row(2 + i, *map(str, cells)) for i, cells in enumerate(data_rows(count))]
    rows.append(f'<row r="1048576">{text_cell("XFD1048576", "x")}</row>')
    return raw_xlsx(path, "".join(rows))


def relations(parts: Iterable[tuple[str, str]]) -> str:
    """Relationships to parts by kind and path, with the ids `rId1` and so on."""
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{OFFICE_NS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(parts, 1)
    )
    return f'<Relationships xmlns="{RELATIONSHIPS_NS}">{links}</Relationships>'


def content_types(parts: Iterable[str]) -> str:
    """The content types of the parts."""
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    overrides = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{kind}.{Path(part).stem.rstrip("1")}+xml"/>'
        for part in parts
    )
    return (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{overrides}'
        f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/></Types>'
    )
