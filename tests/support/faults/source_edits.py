"""Sources that change under a job: a workbook of the same size and time, and rows of a sheet."""

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

from devstack.fake_sheets.spreadsheets import SheetValue
from devstack.fakedata.chats import ChatGenerator
from devstack.fakedata.counters import INSERTED
from tests.support.reference_workbook import read_workbook

LINK_COLUMN = 2
"""The column of the link in the sheet of the bot."""


def store_uncompressed(path: Path) -> None:
    """Write a workbook without compression: as many characters are as many bytes then."""
    _rewrite(path, path, lambda content: content)


def copy_with_changed_link(path: Path, up_to: int) -> Path:
    """A copy with another link in one of the rows up to a position, of the same size and time of change."""
    links = [(number, str(cells["url"])) for number, cells in read_workbook(path)]
    known = Counter(url for _, url in links)
    url = next(url for number, url in links if number <= up_to and known[url] == 1)
    other = url[:-1] + ("x" if url[-1] != "x" else "y")
    copy = path.with_name(f"other-{path.name}")
    _rewrite(path, copy, lambda content: content.replace(f"{url}<".encode(), f"{other}<".encode()))
    before = path.stat()
    os.utime(copy, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = copy.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert copy.read_bytes() != path.read_bytes()
    return copy


def _rewrite(path: Path, target: Path, change: Callable[[bytes], bytes]) -> None:
    with ZipFile(path) as before:
        parts = [(name, change(before.read(name))) for name in before.namelist()]
    with ZipFile(target, "w", ZIP_STORED) as after:
        for name, content in parts:
            after.writestr(name, content)


def clean_row_indexes(rows: list[list[SheetValue]], generator: ChatGenerator) -> list[int]:
    """Indices of the rows in a sheet of the bot that have nothing odd, and a link of their own."""
    made = list(generator.chats())
    known = Counter(chat.url for _, chat, _ in made)
    plain = {chat.url for _, chat, fate in made if fate == INSERTED and known[chat.url] == 1}
    return [index for index, row in enumerate(rows) if row[LINK_COLUMN] in plain]
