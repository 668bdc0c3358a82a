"""Headers typed with letters of another alphabet: «ИHH» with two Latin letters looks like «ИНН»."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LATIN, CYRILLIC = "abcehkmoptxyi", "авсенкмортхуі"
"""Letters with the same shape, as capitals or as small letters, at the same index."""
TO_CYRILLIC = str.maketrans(LATIN, CYRILLIC)


@dataclass(frozen=True, slots=True)
class LookAlike:
    """A header that looks like the header `known`; `letters` are those of the other alphabet."""

    header: str
    known: str
    letters: tuple[str, ...]

    def describe(self) -> str:
        """A sentence for the error message, which names the letters and their alphabets."""
        letters = ", ".join(f"{letter} is {_alphabet(letter)}" for letter in self.letters)
        return f"«{self.header}» looks like «{self.known}», but its letter {letters}."


def visual_key(normalised: str) -> str:
    """A key that is equal for texts with the same shape."""
    return normalised.translate(TO_CYRILLIC)


def find_look_alikes(headers: Mapping[str, str], known: Mapping[str, str]) -> Iterable[LookAlike]:
    """Headers that look like known ones without being equal. Keys of both mappings are normalised headers."""
    known_by_shape = {visual_key(normalised): normalised for normalised in known}
    for normalised, header in headers.items():
        twin = known_by_shape.get(visual_key(normalised))
        if twin is not None and normalised not in known:
            letters = [a for a, b in zip(normalised, twin, strict=True) if a != b]
            yield LookAlike(header, known[twin], tuple(dict.fromkeys(_original_letters(header, letters))))


def _original_letters(header: str, letters: Iterable[str]) -> Iterable[str]:
    """The letters in the case of their first occurrence in the header."""
    typed = {char.casefold(): char for char in reversed(header)}
    return [typed.get(letter, letter) for letter in letters]


def _alphabet(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0].title()
