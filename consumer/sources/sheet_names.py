"""Names of sheets: matched as people ask for them, and shown in a form that can be asked for again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from schemas.text import escaped, shorten_name, unescaped

NAMES_SHOWN = 20
QUOTES = frozenset({"«»", '""'})


@dataclass(frozen=True, slots=True)
class SheetNames:
    """The sheet that is read, and all worksheets of its source, for the sentences of errors."""

    read: str
    visible: tuple[str, ...]
    hidden: tuple[str, ...] = ()

    def described(self) -> str:
        """Which worksheets there are."""
        return describe(self.visible, self.hidden)


def describe(visible: Sequence[str], hidden: Sequence[str]) -> str:
    """`Visible worksheets: «A», «B». Hidden: «C».`, without what there is none of."""
    parts = [f"Visible worksheets: {listed(visible)}."] if visible else []
    return " ".join(parts + ([f"Hidden: {listed(hidden)}."] if hidden else []))


def match_name(names: Iterable[str], asked: str) -> str | None:
    """The name that is meant: by itself, or in the form in which `quoted` shows it."""
    known = frozenset(names)
    inner = asked[1:-1] if asked[:1] + asked[-1:] in QUOTES and len(asked) > 2 else asked
    return next((form for form in (asked, unescaped(asked), unescaped(inner)) if form in known), None)


def listed(names: Sequence[str]) -> str:
    """The first names, quoted."""
    shown = [quoted(name) for name in islice(names, NAMES_SHOWN)]
    return ", ".join(shown + ["…"] * (len(names) > NAMES_SHOWN))


def quoted(name: str) -> str:
    """The name between quotes, shortened, with its unseen characters as escapes.

    Google allows 100 characters and Excel 31: a name that can be asked for is shown whole.
    """
    return f"«{escaped(shorten_name(name))}»"
