"""What a form consists of, in the order in which it arrives."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class FormField:
    """A field, whole."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class FileBegin:
    """The file begins; `filename` is as the client sent it, `headers` of the part have lower-case names."""

    name: str
    filename: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class FileData:
    """The next bytes of the file, never empty; a view of what was fed."""

    data: memoryview


@dataclass(frozen=True, slots=True)
class FileEnd:
    """The file is whole."""


@dataclass(frozen=True, slots=True)
class FormEnd:
    """The body has ended, and with it the form."""


FormEvent: TypeAlias = FormField | FileBegin | FileData | FileEnd | FormEnd
