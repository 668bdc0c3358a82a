"""The parts of an .xlsx: workbook, relationships, list of sheets, shared strings, styles.

Relationships and `SheetPart` are also used for .xlsb.
"""

import posixpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.sources.excel.number_formats import NumberFormat
from consumer.sources.excel.reader_protocol import Sheet
from consumer.sources.excel.xlsx.rich_text import TextCollector
from consumer.sources.excel.xlsx.styles import StylesHandler
from consumer.sources.excel.xml.sax import (
    Attributes,
    SaxHandler,
    container_errors_as_damaged,
    find_member,
    parse_member,
)

WORKBOOK = "xl/workbook.xml"
STRINGS, STYLES = "sharedStrings.xml", "styles.xml"
HIDDEN = frozenset({"hidden", "veryHidden"})
HEAD_BYTES = 200
TRUE, FALSE = frozenset({"1", "true"}), frozenset({"0", "false"})


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet and its zip member; `kind` is the last segment of the relationship's type."""

    name: str
    member: str
    kind: str
    is_visible: bool = True

    @property
    def sheet(self) -> Sheet:
        """The sheet for `WorkbookReader.sheets`."""
        return Sheet(self.name, self.kind == "worksheet", self.is_visible)


@dataclass(frozen=True, slots=True)
class XlsxPackage:
    """The parts of a workbook; a member is None if there is no such part.

    Strings and styles are found by relationships, else by their usual names.
    """

    workbook: str
    sheets: tuple[SheetPart, ...]
    strings: str | None
    styles: str | None
    since_1904: bool
    needs_recalculation: bool = False
    """Whether the workbook requests a recalculation, so that stored results of formulas may be stale."""

    def has_standard_layout(self, archive: zipfile.ZipFile) -> bool:
        """Whether parts have their usual names and none is in UTF-16.

        Calamine looks for no other names, and reads a sheet in UTF-16 as empty.
        """
        folder = posixpath.dirname(WORKBOOK)
        standard = (find_member(archive, posixpath.join(folder, name)) for name in (STRINGS, STYLES))
        members = (self.workbook, self.strings, self.styles, *(part.member for part in self.sheets))
        return (
            self.workbook == WORKBOOK
            and (self.strings, self.styles) == tuple(standard)
            and not any(_is_utf16(archive, member) for member in members if member in archive.NameToInfo)
        )


def _is_utf16(archive: zipfile.ZipFile, member: str) -> bool:
    """Whether a part begins like XML in UTF-16, with NUL bytes between characters."""
    with container_errors_as_damaged(), archive.open(member) as part:
        return b"\0" in part.read(HEAD_BYTES)


def find_workbook(archive: zipfile.ZipFile, default: str) -> str:
    """The member of the workbook part, by relationship, else `default`."""
    root = read_relationships(archive, "_rels/.rels", "") if "_rels/.rels" in archive.NameToInfo else {}
    return next((target for kind, target in root.values() if kind == "officeDocument"), default)


def read_package(archive: zipfile.ZipFile) -> XlsxPackage:
    """Read the workbook part and its relationships. Raises WorkbookError."""
    workbook = find_workbook(archive, WORKBOOK)
    folder, name = posixpath.split(workbook)
    relations = read_relationships(archive, posixpath.join(folder, "_rels", f"{name}.rels"), folder)
    handler = _WorkbookHandler()
    parse_member(archive, workbook, handler)
    sheets = tuple(
        SheetPart(title, relations[identifier][1], relations[identifier][0], is_visible)
        for title, identifier, is_visible in handler.sheets
        if identifier in relations
    )
    targets = dict(reversed(tuple(relations.values())))
    strings, styles = (
        resolve_part(archive, targets.get(kind), posixpath.join(folder, default))
        for kind, default in (("sharedStrings", STRINGS), ("styles", STYLES))
    )
    return XlsxPackage(workbook, sheets, strings, styles, handler.since_1904, handler.needs_recalculation)


def resolve_part(archive: zipfile.ZipFile, target: str | None, default: str) -> str | None:
    """The member that a relationship targets, else the member `default`, else None."""
    return (target and find_member(archive, target)) or find_member(archive, default)


def read_shared_strings(archive: zipfile.ZipFile, member: str | None, max_chars: int) -> list[str]:
    """The shared strings in order, each cut to about `max_chars` characters."""
    if member is None:
        return []
    handler = _SharedStringsHandler(max_chars)
    parse_member(archive, member, handler)
    return handler.strings


def read_styles(archive: zipfile.ZipFile, member: str | None) -> list[NumberFormat]:
    """The number format by the attribute `s` of a cell."""
    if member is None:
        return []
    handler = StylesHandler()
    parse_member(archive, member, handler)
    return handler.formats


def read_relationships(archive: zipfile.ZipFile, member: str, folder: str) -> Mapping[str, tuple[str, str]]:
    """Relationship id → kind and member. Relative targets are resolved from `folder`."""
    handler = _RelationshipsHandler(folder)
    parse_member(archive, member, handler)
    return handler.targets


class _RelationshipsHandler(SaxHandler):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.targets: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = attributes.get("Target", "")
            path = target[1:] if target.startswith("/") else posixpath.join(self._folder, target)
            self.targets[attributes.get("Id", "")] = kind, posixpath.normpath(path)


class _WorkbookHandler(SaxHandler):
    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.since_1904 = False
        self.needs_recalculation = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            identifier = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            is_visible = attributes.get("state", "visible") not in HIDDEN
            self.sheets.append((attributes.get("name", ""), identifier, is_visible))
        elif name == "workbookPr" and "date1904" in attributes:  # `x15:workbookPr` never has it
            self.since_1904 = attributes.get("date1904") in TRUE
        elif name == "calcPr":  # ECMA-376 part 1, 18.2.2
            self.needs_recalculation = (
                attributes.get("fullCalcOnLoad") in TRUE or attributes.get("calcCompleted") in FALSE
            )


class _SharedStringsHandler(SaxHandler):
    def __init__(self, max_chars: int) -> None:
        self.strings: list[str] = []
        self._text = TextCollector(max_chars)

    def start(self, name: str, attributes: Attributes) -> None:
        self._text.start(name, attributes)

    def text(self, text: str) -> None:
        self._text.text(text)

    def end(self, name: str) -> None:
        self._text.end(name)
        if name == "si":
            self.strings.append(self._text.take())
