"""A SAX handler driven by rules for nested elements; elements without a rule are skipped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from consumer.sources.excel.xml.sax import Attributes, SaxHandler


@dataclass(slots=True, eq=False)
class ElementRule:
    """Callbacks at the start and end of an element, and qualified name → rule of its children.

    The callbacks get the handler as first argument. `fallback` finds the rule of a child not in `children`.
    """

    children: "dict[str, ElementRule]" = field(default_factory=dict)
    start: Callable[[Any, Attributes], None] | None = None
    end: Callable[[Any], None] | None = None
    fallback: "Callable[[str], ElementRule | None] | None" = None


class ElementHandler(SaxHandler):
    """Calls the callbacks of `ElementRule`s; subclasses hold the data that these collect."""

    qualified: ClassVar[bool] = True

    def __init__(self, root: ElementRule) -> None:
        self._current = root
        self._open: list[ElementRule] = []
        self._skipped = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """Enter an element that has a rule, else skip it with all its children."""
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
        """Leave an element."""
        if self._skipped:
            self._skipped -= 1
            return
        end = self._current.end
        if end is not None:
            end(self)
        self._current = self._open.pop()
