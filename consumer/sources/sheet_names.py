"""Names of sheets: matched as people ask for them, and shown in a form that can be asked for again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from schemas.text import escape_invisible, shorten_name, unescape_invisible

NAMES_SHOWN = 20
QUOTE_PAIRS = frozenset({"«»", '""'})


@dataclass(frozen=True, slots=True)
class SheetNames:
    """The sheet that is read, and all worksheets of its source, for the sentences of errors."""

    selected: str
    visible: tuple[str, ...]
    hidden: tuple[str, ...] = ()

    def describe(self) -> str:
        """Which worksheets there are."""
        return describe_worksheets(self.visible, self.hidden)


def describe_worksheets(visible: Sequence[str], hidden: Sequence[str]) -> str:
    """`Visible worksheets: «A», «B». Hidden: «C».`, without what there is none of."""
    parts = [f"Visible worksheets: {format_names(visible)}."] if visible else []
    return " ".join(parts + ([f"Hidden: {format_names(hidden)}."] if hidden else []))


def match_name(names: Iterable[str], requested: str) -> str | None:
    """The name that is meant: by itself, or in the form in which `quote_name` shows it."""
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
    """The first names, quoted."""
    shown = [quote_name(name) for name in islice(names, NAMES_SHOWN)]
    return ", ".join(shown + ["…"] * (len(names) > NAMES_SHOWN))


def quote_name(name: str) -> str:
    """The name between quotes, shortened, with its unseen characters as escapes.

    Google allows 100 characters and Excel 31: a name that can be asked for is shown whole.
    """
    return f"«{escape_invisible(shorten_name(name))}»"
