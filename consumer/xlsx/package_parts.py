"""The parts of a workbook that name the others: content types, relationships, the list of sheets."""

from collections.abc import Iterator, Sequence

from consumer.xlsx.formats import MAIN_NAMESPACE, XML_HEAD
from consumer.xlsx.sheet import NOTES_RELATIONSHIP, RELATIONSHIPS_NAMESPACE, SheetLayout
from consumer.xlsx.texts import escape

ROOT_RELATIONSHIPS = "_rels/.rels"
STYLES = "xl/styles.xml"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_RELATIONSHIPS = f'{XML_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">'
_HIDDEN = ' state="hidden"'
_SPREADSHEET_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def sheet_path(number: int) -> str:
    """The part of a sheet; sheets count from 1."""
    return f"xl/worksheets/sheet{number}.xml"


def sheet_relationships_path(number: int) -> str:
    """The relationships of a sheet with notes."""
    return f"xl/worksheets/_rels/sheet{number}.xml.rels"


def comments_path(number: int) -> str:
    """The notes of a sheet."""
    return f"xl/comments{number}.xml"


def shapes_path(number: int) -> str:
    """The shapes of the notes of a sheet."""
    return f"xl/drawings/vmlDrawing{number}.vml"


def root_relationships() -> str:
    """Where the workbook begins."""
    return f"{_RELATIONSHIPS}{_relationship('rId1', 'officeDocument', 'xl/workbook.xml')}</Relationships>"


def sheet_relationships(number: int) -> str:
    """What a sheet with notes refers to."""
    shapes = _relationship(NOTES_RELATIONSHIP, "vmlDrawing", f"../drawings/vmlDrawing{number}.vml")
    comments = _relationship("rId2", "comments", f"../comments{number}.xml")
    return f"{_RELATIONSHIPS}{shapes}{comments}</Relationships>"


def closing_parts(
    sheets: Sequence[SheetLayout], numbers_with_notes: Sequence[int]
) -> Iterator[tuple[str, str]]:
    """Path and content of each part that lists the sheets."""
    yield "xl/workbook.xml", _workbook(sheets)
    yield "xl/_rels/workbook.xml.rels", _workbook_relationships(len(sheets))
    yield "[Content_Types].xml", _content_types(len(sheets), numbers_with_notes)


def _workbook(sheets: Sequence[SheetLayout]) -> str:
    listed = "".join(
        f'<sheet name="{escape(layout.name)}" sheetId="{number}"'
        f'{_HIDDEN if layout.is_hidden else ""} r:id="rId{number}"/>'
        for number, layout in enumerate(sheets, 1)
    )
    return (
        f'{XML_HEAD}<workbook xmlns="{MAIN_NAMESPACE}" xmlns:r="{RELATIONSHIPS_NAMESPACE}">'
        f"<bookViews><workbookView/></bookViews><sheets>{listed}</sheets></workbook>"
    )


def _workbook_relationships(sheet_count: int) -> str:
    sheets = "".join(
        _relationship(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml")
        for number in range(1, sheet_count + 1)
    )
    styles = _relationship(f"rId{sheet_count + 1}", "styles", "styles.xml")
    return f"{_RELATIONSHIPS}{sheets}{styles}</Relationships>"


def _content_types(sheet_count: int, numbers_with_notes: Sequence[int]) -> str:
    overrides = [("xl/workbook.xml", "sheet.main"), (STYLES, "styles")]
    overrides += [(sheet_path(number), "worksheet") for number in range(1, sheet_count + 1)]
    overrides += [(comments_path(number), "comments") for number in numbers_with_notes]
    listed = "".join(
        f'<Override PartName="/{path}" ContentType="{_SPREADSHEET_TYPE}.{kind}+xml"/>'
        for path, kind in overrides
    )
    return (
        f'{XML_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="vml" ContentType="application/vnd.openxmlformats-officedocument.vmlDrawing"/>'
        f"{listed}</Types>"
    )


def _relationship(identifier: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{identifier}" Type="{RELATIONSHIPS_NAMESPACE}/{kind}" Target="{target}"/>'
