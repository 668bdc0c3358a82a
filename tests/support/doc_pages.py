"""Parses tables and headings of the documentation, which tests compare with the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CELL_SEPARATOR = re.compile(r"(?<!\\)\|")
HEADING_START = re.compile(r"^#{1,3} ", re.MULTILINE)


def read_page(name: str) -> str:
    """A page by its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next heading."""
    return HEADING_START.split(text.split(f"# {heading}\n")[1])[0]


def table_rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without header rows."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    header_rows = {index - 1 for index, line in enumerate(lines) if set(line) <= set("|-: ")}
    header_rows |= {index + 1 for index in header_rows}
    return [_cells(line) for index, line in enumerate(lines) if index not in header_rows]


def code_names(cell: str) -> list[str]:
    """The texts in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def first_code_names(text: str) -> list[str]:
    """The first text in backticks of each row."""
    return [code_names(row[0])[0] for row in table_rows(text)]


def anchors(text: str) -> set[str]:
    """The anchors of the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in CELL_SEPARATOR.split(line.strip())[1:-1]]
