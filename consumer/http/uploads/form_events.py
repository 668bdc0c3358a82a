"""Events of the form parser, in the order in which they arrive."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class FormField:
    """A complete field."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegin:
    """The file begins; `filename` is as the client sent it, the names in `headers` are in lower case."""

    name: str
    filename: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class FileData:
    """The next bytes of the file, never empty; a view into the chunk that was fed."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The file is complete."""


@dataclass(frozen=True, slots=True)
class FormEnd:
    """The body has ended after the final boundary, so the form is complete."""


FormEvent: TypeAlias = FormField | FileBegin | FileData | FileEnd | FormEnd
