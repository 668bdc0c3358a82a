"""The parts of an .xlsx around its sheets: which sheets there are, shared strings, date formats."""

import posixpath
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass

from consumer.sources.excel.formats import Format, built_in, custom
from consumer.sources.excel.markup import Attributes, Handler, parse
from consumer.sources.excel.text import TextCollector

WORKBOOK = "xl/workbook.xml"


@dataclass(frozen=True, slots=True)
class Part:
    """A sheet and where it lies; `kind` is the last word of the relationship's type."""

    name: str
    member: str
    kind: str


@dataclass(frozen=True, slots=True)
class Package:
    """What a workbook says of itself; members are None where it has no such part."""

    sheets: tuple[Part, ...]
    strings: str | None
    styles: str | None
    since_1904: bool


def read_package(archive: zipfile.ZipFile) -> Package:
    """Find the workbook part and what it refers to."""
    root = _relations(archive, "_rels/.rels", "") if "_rels/.rels" in archive.NameToInfo else {}
    workbook = next((target for kind, target in root.values() if kind == "officeDocument"), WORKBOOK)
    folder, name = posixpath.split(workbook)
    relations = _relations(archive, posixpath.join(folder, "_rels", f"{name}.rels"), folder)
    found = _Workbook()
    parse(archive, workbook, found)
    by_kind = dict(relations.values())
    sheets = tuple(
        Part(title, relations[identifier][1], relations[identifier][0])
        for title, identifier in found.sheets
        if identifier in relations
    )
    return Package(sheets, by_kind.get("sharedStrings"), by_kind.get("styles"), found.since_1904)


def read_strings(archive: zipfile.ZipFile, member: str | None) -> list[str]:
    """The shared strings, in order."""
    if member is None:
        return []
    found = _Strings()
    parse(archive, member, found)
    return found.strings


def read_formats(archive: zipfile.ZipFile, member: str | None) -> dict[str, Format]:
    """Style of a cell (its `s`) → what the number in it is; only dates and durations are there."""
    if member is None:
        return {}
    found = _Styles()
    parse(archive, member, found)
    return found.formats


def _relations(archive: zipfile.ZipFile, member: str, folder: str) -> Mapping[str, tuple[str, str]]:
    """Id → kind and target."""
    found = _Relations(folder)
    parse(archive, member, found)
    return found.targets


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
        self.sheets: list[tuple[str, str]] = []
        self.since_1904 = False

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "sheet":
            identifier = next((value for key, value in attributes.items() if key.endswith(" id")), "")
            self.sheets.append((attributes.get("name", ""), identifier))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904") in {"1", "true"}


class _Strings(Handler):
    def __init__(self) -> None:
        self.strings: list[str] = []
        self._text = TextCollector()

    def start(self, name: str, attributes: Attributes) -> None:
        self._text.start(name, attributes)

    def text(self, text: str) -> None:
        self._text.text(text)

    def end(self, name: str) -> None:
        self._text.end(name)
        if name == "si":
            self.strings.append(self._text.take())


class _Styles(Handler):
    def __init__(self) -> None:
        self._custom: dict[str, Format | None] = {}
        self._in_cells = False
        self._styles = 0
        self.formats: dict[str, Format] = {}

    def start(self, name: str, attributes: Attributes) -> None:
        if name == "numFmt":
            self._custom[attributes.get("numFmtId", "")] = custom(attributes.get("formatCode", ""))
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self._add(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False

    def _add(self, number: str) -> None:
        found = self._custom[number] if number in self._custom else built_in(number)
        if found is not None:
            self.formats[str(self._styles)] = found
        self._styles += 1
