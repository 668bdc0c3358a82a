"""The parts of an .xlsx around its sheets: which sheets there are, shared strings, styles."""

import posixpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.sources.excel.markup import Attributes, Handler, container_damage, found, parse
from consumer.sources.excel.reader import Sheet
from consumer.sources.excel.styles import Style, Styles
from consumer.sources.excel.texts import Collector

WORKBOOK = "xl/workbook.xml"
STRINGS, STYLES = "sharedStrings.xml", "styles.xml"
HIDDEN = frozenset({"hidden", "veryHidden"})
HEAD_BYTES = 200
TRUE, FALSE = frozenset({"1", "true"}), frozenset({"0", "false"})


@dataclass(frozen=True, slots=True)
class Part:
    """A sheet and where it lies; `kind` is the last word of the relationship's type."""

    name: str
    member: str
    kind: str
    is_visible: bool = True

    @property
    def sheet(self) -> Sheet:
        """The sheet as all readers describe it."""
        return Sheet(self.name, self.kind == "worksheet", self.is_visible)


@dataclass(frozen=True, slots=True)
class Package:
    """What a workbook says of itself; members are None where it has no such part.

    Strings and styles are where the relationships say, else under their usual names.
    """

    workbook: str
    sheets: tuple[Part, ...]
    strings: str | None
    styles: str | None
    since_1904: bool
    asks_recalculation: bool = False
    """Whether a program that opens the workbook should not trust the results of its formulas."""

    def is_usual(self, archive: zipfile.ZipFile) -> bool:
        """Whether parts have their usual names and none is in UTF-16: calamine looks nowhere else.

        Of a sheet in UTF-16 it finds no row, and does not say so.
        """
        folder = posixpath.dirname(WORKBOOK)
        usual = (found(archive, posixpath.join(folder, name)) for name in (STRINGS, STYLES))
        members = (self.workbook, self.strings, self.styles, *(part.member for part in self.sheets))
        return (
            self.workbook == WORKBOOK
            and (self.strings, self.styles) == tuple(usual)
            and not any(_is_utf16(archive, member) for member in members if member in archive.NameToInfo)
        )


def _is_utf16(archive: zipfile.ZipFile, member: str) -> bool:
    """Whether a part begins as XML in UTF-16 does: with a NUL beside every letter."""
    with container_damage(), archive.open(member) as part:
        return b"\0" in part.read(HEAD_BYTES)


def find_workbook(archive: zipfile.ZipFile, usual: str) -> str:
    """The main part: where the relationships say, else under its usual name."""
    root = read_relations(archive, "_rels/.rels", "") if "_rels/.rels" in archive.NameToInfo else {}
    return next((target for kind, target in root.values() if kind == "officeDocument"), usual)


def read_package(archive: zipfile.ZipFile) -> Package:
    """Find the workbook part and what it refers to."""
    workbook = find_workbook(archive, WORKBOOK)
    folder, name = posixpath.split(workbook)
    relations = read_relations(archive, posixpath.join(folder, "_rels", f"{name}.rels"), folder)
    parsed = _Workbook()
    parse(archive, workbook, parsed)
    sheets = tuple(
        Part(title, relations[identifier][1], relations[identifier][0], is_visible)
        for title, identifier, is_visible in parsed.sheets
        if identifier in relations
    )
    targets = dict(reversed(tuple(relations.values())))
    strings, styles = (
        member_of(archive, targets.get(kind), posixpath.join(folder, usual))
        for kind, usual in (("sharedStrings", STRINGS), ("styles", STYLES))
    )
    return Package(workbook, sheets, strings, styles, parsed.since_1904, parsed.asks_recalculation)


def member_of(archive: zipfile.ZipFile, target: str | None, usual: str) -> str | None:
    """The part a relationship leads to; where it is left out or leads nowhere, the one of the usual name."""
    return (target and found(archive, target)) or found(archive, usual)


def read_strings(archive: zipfile.ZipFile, member: str | None, most: int) -> list[str]:
    """The shared strings, in order; of each about `most` characters."""
    if member is None:
        return []
    parsed = _Strings(most)
    parse(archive, member, parsed)
    return parsed.strings


def read_styles(archive: zipfile.ZipFile, member: str | None) -> list[Style]:
    """What the number in a cell is, by the cell's `s`."""
    if member is None:
        return []
    parsed = Styles()
    parse(archive, member, parsed)
    return parsed.found


def read_relations(archive: zipfile.ZipFile, member: str, folder: str) -> Mapping[str, tuple[str, str]]:
    """Id → kind and target."""
    parsed = _Relations(folder)
    parse(archive, member, parsed)
    return parsed.targets


class _Relations(Handler):
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self.targets: dict[str, tuple[str, str]] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "Relationship":
            kind = attributes.get("Type", "").rpartition("/")[2]
            target = attributes.get("Target", "")
            path = target[1:] if target.startswith("/") else posixpath.join(self._folder, target)
            self.targets[attributes.get("Id", "")] = kind, posixpath.normpath(path)


class _Workbook(Handler):
    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, bool]] = []
        self.since_1904 = False
        self.asks_recalculation = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            identifier = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            is_visible = attributes.get("state", "visible") not in HIDDEN
            self.sheets.append((attributes.get("name", ""), identifier, is_visible))
        elif name == "workbookPr" and "date1904" in attributes:  # `x15:workbookPr` never says it
            self.since_1904 = attributes.get("date1904") in TRUE
        elif name == "calcPr":  # ECMA-376 part 1, 18.2.2
            self.asks_recalculation = (
                attributes.get("fullCalcOnLoad") in TRUE or attributes.get("calcCompleted") in FALSE
            )


class _Strings(Handler):
    def __init__(self, most: int) -> None:
        self.strings: list[str] = []
        self._text = Collector(most)

    def start(self, name: str, attributes: Attributes) -> None:
        self._text.start(name, attributes)

    def text(self, text: str) -> None:
        self._text.text(text)

    def end(self, name: str) -> None:
        self._text.end(name)
        if name == "si":
            self.strings.append(self._text.take())
