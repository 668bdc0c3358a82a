"""Notes of cells: their texts, and the shapes in which Excel shows them (VML, which notes still need)."""

from collections.abc import Sequence
from dataclasses import dataclass

from consumer.cells.column_letters import column_letter
from consumer.xlsx.formats import MAIN_NAMESPACE, XML_HEAD
from consumer.xlsx.texts import text_element

MAX_NOTES = 1_023
"""Of one sheet: each sheet has a block of 1,024 numbers for its shapes."""
DEFAULT_COLUMNS, DEFAULT_ROWS = 2, 4
_VML_HEAD = (
    '<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel">'
    '<o:shapelayout v:ext="edit"><o:idmap v:ext="edit" data="{sheet}"/></o:shapelayout>'
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)


@dataclass(frozen=True, slots=True)
class Note:
    """A text shown at a cell; `row` and `column` count from 0, `columns` and `rows` are its size."""

    row: int
    column: int
    text: str
    columns: int = DEFAULT_COLUMNS
    rows: int = DEFAULT_ROWS


def comments_xml(notes: Sequence[Note]) -> str:
    """The part `comments` of a sheet; its author is empty."""
    comments = "".join(
        f'<comment ref="{column_letter(note.column)}{note.row + 1}" authorId="0">'
        f"<text><r>{text_element(note.text)}</r></text></comment>"
        for note in notes
    )
    return (
        f'{XML_HEAD}<comments xmlns="{MAIN_NAMESPACE}"><authors><author></author></authors>'
        f"<commentList>{comments}</commentList></comments>"
    )


def shapes_xml(notes: Sequence[Note], sheet_number: int) -> str:
    """The part `vmlDrawing` of a sheet, which count from 1: one hidden shape for each note."""
    first = sheet_number * (MAX_NOTES + 1) + 1
    shapes = "".join(_shape(number, note) for number, note in enumerate(notes, first))
    return f"{_VML_HEAD.format(sheet=sheet_number)}{shapes}</xml>"


def _shape(number: int, note: Note) -> str:
    """A box beside the cell."""
    left, top = note.column + 1, max(note.row - 1, 0)
    right, bottom = left + note.columns, top + note.rows
    return (
        f'<v:shape id="_x0000_s{number}" type="#_x0000_t202" fillcolor="#ffffe1" o:insetmode="auto" '
        'style="position:absolute;visibility:hidden"><v:fill color2="#ffffe1"/>'
        '<v:shadow color="black" obscured="t"/><v:path o:connecttype="none"/>'
        '<v:textbox style="mso-direction-alt:auto"/><x:ClientData ObjectType="Note"><x:MoveWithCells/>'
        f"<x:SizeWithCells/><x:Anchor>{left}, 15, {top}, 2, {right}, 31, {bottom}, 9</x:Anchor>"
        f"<x:AutoFill>False</x:AutoFill><x:Row>{note.row}</x:Row><x:Column>{note.column}</x:Column>"
        "</x:ClientData></v:shape>"
    )
