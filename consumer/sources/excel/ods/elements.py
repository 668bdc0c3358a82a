"""Walks nested elements: each may hold some kinds of children, and everything else in it is skipped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from consumer.sources.excel.xml_sax import Attributes, SaxHandler


@dataclass(slots=True, eq=False)
class ElementRule:
    """A kind of element: what happens at its start and end, and its children by qualified name.

    `start` and `end` are called with the handler. `others` finds the kind of a child that `children` does not
    list.
    """

    children: "dict[str, ElementRule]" = field(default_factory=dict)
    start: Callable[[Any, Attributes], None] | None = None
    end: Callable[[Any], None] | None = None
    fallback: "Callable[[str], ElementRule | None] | None" = None


class ElementHandler(SaxHandler):
    """Calls the functions of `ElementRule`s; a subclass holds what they collect."""

    qualified: ClassVar[bool] = True

    def __init__(self, root: ElementRule) -> None:
        self._current = root
        self._open: list[ElementRule] = []
        self._skipped = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""
        if self._skipped:
            self._skipped += 1
            return
        current = self._current
        element = current.children.get(name)
        if element is None and current.fallback is not None:
            element = current.fallback(name)
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
