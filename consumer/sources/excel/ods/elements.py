"""Walks nested elements: each may hold some kinds of children, and everything else in it is skipped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from consumer.sources.excel.markup import Attributes, Handler
from consumer.sources.excel.problems import damaged

MAX_DEPTH = 256
"""LibreOffice writes no more than about twenty levels; a deeper document only costs memory.
Counted where elements are skipped: the list of sheets, which is read first, skips all that is nested."""


@dataclass(slots=True, eq=False)
class Element:
    """A kind of element: what happens at its start and end, and its children by qualified name.

    `start` and `end` are called with the handler. `others` finds the kind of a child that `children` does not
    list.
    """

    children: "dict[str, Element]" = field(default_factory=dict)
    start: Callable[[Any, Attributes], None] | None = None
    end: Callable[[Any], None] | None = None
    others: "Callable[[str], Element | None] | None" = None


class ElementHandler(Handler):
    """Calls the functions of `Element`s; a subclass holds what they collect."""

    qualified: ClassVar[bool] = True

    def __init__(self, root: Element) -> None:
        self._current = root
        self._open: list[Element] = []
        self._skipped = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins. Raises WorkbookProblem where it is nested too deep."""
        if self._skipped:
            self._skipped += 1
            if self._skipped > MAX_DEPTH:
                raise damaged("its XML is nested too deep")
            return
        current = self._current
        element = current.children.get(name)
        if element is None and current.others is not None:
            element = current.others(name)
        if element is None:
            self._skipped = 1
            return
        self._open.append(current)
        self._current = element
        if element.start is not None:
            element.start(self, attributes)

    def end(self, name: str) -> None:  # noqa: ARG002
        """An element ends."""
        if self._skipped:
            self._skipped -= 1
            return
        end = self._current.end
        if end is not None:
            end(self)
        self._current = self._open.pop()
