"""The workbook of the demo, made by a process of its own while the servers start."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devstack.dev_environment import ROOT
from devstack.errors import StackError


class BackgroundWorkbook:
    """A workbook that is being made."""

    def __init__(self, path: Path, process: subprocess.Popen[bytes]) -> None:
        self.path = path
        self._process = process

    def expected(self) -> dict[str, Any]:
        """What an import of it must report, when it is made; StackError when the maker failed."""
        if self._process.wait() != 0:
            raise StackError("The workbook could not be made, see above.")
        found: dict[str, Any] = json.loads(
            self.path.with_suffix(".expected.json").read_text(encoding="utf-8")
        )
        return found


@contextmanager
def workbook_in_background(folder: Path, rows: int) -> Iterator[BackgroundWorkbook]:
    """Begin to make a workbook in the folder; the maker is gone at the end."""
    path = folder / "chats.xlsx"
    command = [sys.executable, "-m", "devstack.fakedata.workbook", str(path), "--rows", str(rows)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as maker:
        try:
            yield BackgroundWorkbook(path, maker)
        finally:
            maker.kill()
