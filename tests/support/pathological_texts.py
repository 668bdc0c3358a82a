"""A million characters of every awkward kind through each rule and reader.

`python -m tests.support.pathological_texts` prints `what kind seconds` (of the processor) for each. It is a
process of its own with a limit of processor time, since a quadratic library call cannot be interrupted.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from functools import partial
from pathlib import Path

from consumer.datasets.chats.column_validator import column_validators
from consumer.errors import MigrationError
from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.reader_protocol import ReaderFactory, UnsupportedByReaderError
from consumer.sources.excel.vectorized.reader import open_vectorized
from consumer.sources.excel.xlsx.sax_reader import open_sax
from tests.support.workbooks import raw_xlsx

TEXT_LENGTH = 1_000_000
LENGTHS_WITHIN_LIMITS = 130_000, 60_000
"""The longest texts that rules and readers neither reject nor truncate by their length."""
CPU_SECONDS = 60
UNITS = {
    "digits": "1", "zeros": "0", "letters": "ф", "dots": ".", "hyphens": "-", "slashes": "/", "colons": ":",
    "digits_and_dots": "1.", "digits_and_spaces": "1 ", "brackets": "(", "quotes": '"', "angle_quotes": "«",
    "quotes_and_letters": '"a ', "spaces": " ", "no_break_spaces": "\u00a0", "zero_widths": "\u200b",
    "line_ends": "\n", "escapes": "_xD83D_", "hashes": "#", "at_signs": "https://@", "emoji": "😀",
    "marks": "\u0301", "marks_out_of_order": "\u0301\u0327", "marks_that_decompose": "\u0f73",
    "letters_and_marks": "и\u0306", "jamo": "\u1100\u1161\u11a8",
}  # fmt: skip
CONTEXTS = {"": ("", ""), "_in_digits": ("7", "7x"), "_in_link": ("https://", "x")}
RULES = (
    "url", "inn", "kpp", "name", "external_chat_id", "participants", "created_on", "phone", "add_user",
    "group",
)  # fmt: skip
READERS: dict[str, ReaderFactory] = {"stream": open_vectorized, "dense": open_calamine, "sparse": open_sax}
CELL_FORMS = {
    "inline": '<c r="A1" t="inlineStr"><is><t>{}</t></is></c>',
    "rich": '<c r="A1" t="inlineStr"><is><r><t>{}</t></r></is></c>',
    "text": '<c r="A1" t="str"><f>1</f><v>{}</v></c>',
    "number": '<c r="A1"><v>{}</v></c>',
    "date": '<c r="A1" t="d"><v>{}</v></c>',
}


def texts() -> Iterator[tuple[str, str]]:
    """Kinds of texts by name."""
    for kind, unit in UNITS.items():
        for shape, (before, behind) in CONTEXTS.items():
            yield kind + shape, before + unit * (TEXT_LENGTH // len(unit)) + behind
        yield f"{kind}_within_limits", unit * (LENGTHS_WITHIN_LIMITS[0] // len(unit)) + "x"


def run_rules() -> None:
    """Run each rule on each text."""
    checked = column_validators(date(2026, 3, 1))
    for kind, text in texts():
        for field in RULES:
            print_time(field, kind, partial(checked[field].validate, [text]))


def run_readers() -> None:
    """Run each reader on each text, in each form of a cell."""
    with tempfile.TemporaryDirectory() as folder:
        for kind, unit in UNITS.items():
            texts = [
                "1" + unit * (size // len(unit)) + "x" for size in (TEXT_LENGTH, LENGTHS_WITHIN_LIMITS[1])
            ]
            for form, cell in CELL_FORMS.items():
                row = "".join(
                    f'<row r="{at}">{cell.format(text).replace("A1", f"A{at}")}</row>'
                    for at, text in enumerate(texts, 1)
                )
                path = raw_xlsx(Path(folder) / "awkward.xlsx", row)
                for name, opener in READERS.items():
                    print_time(f"{name}:{form}", kind, partial(read_sheet, opener, path))


def read_sheet(opener: ReaderFactory, path: Path) -> None:
    """Read the only sheet; an error is accepted too."""
    with suppress(MigrationError, UnsupportedByReaderError):
        reader = opener(path, 100)
        for _ in reader.rows("Чаты"):
            pass
        reader.close()


def print_time(what: str, kind: str, work: Callable[[], object]) -> None:
    """Print the processor time of a function."""
    began = time.process_time()
    work()
    print(what, kind, f"{time.process_time() - began:.2f}", flush=True)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    {"rules": run_rules, "readers": run_readers}[sys.argv[1]]()
