"""Tables of the pages for people, to be held against the code."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
CELL_SEPARATOR = re.compile(r"(?<!\\)\|")
HEADING_START = re.compile(r"^#{1,3} ", re.MULTILINE)


def read_page(name: str) -> str:
    """A page by its path in the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(text: str, heading: str) -> str:
    """The text below a heading, up to the next one."""
    return HEADING_START.split(text.split(f"# {heading}\n")[1])[0]


def table_rows(text: str) -> list[list[str]]:
    """The cells of all tables in a text, without their heads."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {at - 1 for at, line in enumerate(lines) if set(line) <= set("|-: ")}
    heads |= {at + 1 for at in heads}
    return [_cells(line) for at, line in enumerate(lines) if at not in heads]


def code_names(cell: str) -> list[str]:
    """The names in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def first_code_names(text: str) -> list[str]:
    """The first name in backticks of each row."""
    return [code_names(row[0])[0] for row in table_rows(text)]


def anchors(text: str) -> set[str]:
    """The anchors that the headings of a page make."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in CELL_SEPARATOR.split(line.strip())[1:-1]]
