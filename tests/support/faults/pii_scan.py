"""Looks for phones and secrets where there must be none."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.support.reference_workbook import read_workbook

PHONE_DIGITS = 10
"""The last ten make a Russian phone, whatever is before them."""
PHONE_LIKE = re.compile(r"\d(?:[ ()-]{0,2}\d){9,14}")
CONTEXT_CHARS = 40
"""Characters before a finding that are shown; the finding is not."""


def phones_in_workbook(workbook: Path) -> set[str]:
    """The last ten digits of every phone in a workbook, in rejected rows as well."""
    return phones_in_cells(cells for _, cells in read_workbook(workbook))


def phones_in_cells(rows: Iterable[Mapping[str, object]]) -> set[str]:
    """The same of rows that were read already."""
    return set(_phones(str(cells.get("phone") or "") for cells in rows))


def _phones(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        digits = re.sub(r"\.0$|\D", "", text)
        if len(digits) >= PHONE_DIGITS:
            yield digits[-PHONE_DIGITS:]


def find_leaks(where: str, text: str, phones: set[str], secrets: Iterable[str]) -> list[str]:
    """Forbidden values in a text, reported by their position and never by their content."""
    found = [
        f"{where}: a phone after {text[max(match.start() - CONTEXT_CHARS, 0) : match.start()]!r}"
        for match in PHONE_LIKE.finditer(text)
        if re.sub(r"\D", "", match.group())[-PHONE_DIGITS:] in phones
    ]
    for number, secret in enumerate(secrets, 1):
        if (at := text.find(secret)) >= 0:
            found.append(f"{where}: secret {number} after {text[max(at - CONTEXT_CHARS, 0) : at]!r}")
    return found
