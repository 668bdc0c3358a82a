"""Headers typed with letters of another alphabet: «ИHH» with two Latin letters is not «ИНН»."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LATIN, CYRILLIC = "abcehkmoptxyi", "авсенкмортхуі"
"""Letters of the same shape in capitals or in small letters, each beside its twin."""
TO_CYRILLIC = str.maketrans(LATIN, CYRILLIC)


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A header that only looks like a known one; `letters` are those of the other alphabet."""

    header: str
    known: str
    letters: tuple[str, ...]

    def describe(self) -> str:
        """What is wrong with it."""
        letters = ", ".join(f"{letter} is {_alphabet(letter)}" for letter in self.letters)
        return f"«{self.header}» looks like «{self.known}», but its letter {letters}."


def visual_key(normalised: str) -> str:
    """A key that is the same for texts of the same shape."""
    return normalised.translate(TO_CYRILLIC)


def find_look_alikes(headers: Mapping[str, str], known: Mapping[str, str]) -> Iterable[LookAlike]:
    """Headers that look like known ones and are none; both mappings go from the normalised text to it."""
    shapes = {visual_key(normalised): normalised for normalised in known}
    for normalised, header in headers.items():
        twin = shapes.get(visual_key(normalised))
        if twin is not None and normalised not in known:
            letters = [a for a, b in zip(normalised, twin, strict=True) if a != b]
            yield LookAlike(header, known[twin], tuple(dict.fromkeys(_original_letters(header, letters))))


def _original_letters(header: str, letters: Iterable[str]) -> Iterable[str]:
    """The letters in the case in which the header has them."""
    typed = {char.casefold(): char for char in reversed(header)}
    return [typed.get(letter, letter) for letter in letters]


def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0].title()
