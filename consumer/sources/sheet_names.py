"""Names of sheets: matched with a request, and quoted in a form that a request may use."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from schemas.text import escape_invisible, shorten_name, unescape_invisible

NAMES_SHOWN = 20
QUOTE_PAIRS = frozenset({"«»", '""'})


@dataclass(frozen=True, slots=True)
class SheetNames:
    """The sheet that is read, and all worksheets of its source, for error messages."""

    selected: str
    visible: tuple[str, ...]
    hidden: tuple[str, ...] = ()

    def describe(self) -> str:
        """`describe_worksheets` for this source."""
        return describe_worksheets(self.visible, self.hidden)


def describe_worksheets(visible: Sequence[str], hidden: Sequence[str]) -> str:
    """`Visible worksheets: «A», «B». Hidden: «C».`, each part only if there are any."""
    parts = [f"Visible worksheets: {format_names(visible)}."] if visible else []
    return " ".join(parts + ([f"Hidden: {format_names(hidden)}."] if hidden else []))


def match_name(names: Iterable[str], requested: str) -> str | None:
    """The name equal to `requested`, or shown as `requested` by `quote_name`; None if there is none."""
    known = frozenset(names)
    inner = (
        requested[1:-1] if requested[:1] + requested[-1:] in QUOTE_PAIRS and len(requested) > 2 else requested
    )
    return next(
        (
            form
            for form in (requested, unescape_invisible(requested), unescape_invisible(inner))
            if form in known
        ),
        None,
    )


def format_names(names: Sequence[str]) -> str:
    """The first NAMES_SHOWN names, quoted."""
    shown = [quote_name(name) for name in islice(names, NAMES_SHOWN)]
    return ", ".join(shown + ["…"] * (len(names) > NAMES_SHOWN))


def quote_name(name: str) -> str:
    """The name in quotes, shortened, with invisible characters escaped.

    A valid name is never shortened: Google Sheets allows 100 characters, Excel 31.
    """
    return f"«{escape_invisible(shorten_name(name))}»"
