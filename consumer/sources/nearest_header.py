"""The header nearest to each missing one, for the message that a column is missing. Pure, in bounded time."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

from consumer.sources.look_alikes import visual_key

MIN_SIMILARITY = 0.6
"""What difflib calls a close match: «Ссылка MAX» and «ссылка» have 0.8, «ИНН вуза» and «ИНН» 0.6."""
MAX_COMPARED_HEADERS = 200
"""One comparison takes up to 0.3 ms; a sheet may have 16,384 headers."""
MAX_COMPARED_CHARS = 64
_WORD = re.compile(r"[^\W_]+")

Normalise = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _Match:
    similarity: float
    field: str
    header: str


def nearest_headers(
    headers: Iterable[str], wanted: Mapping[str, Sequence[str]], normalise: Normalise
) -> dict[str, str]:
    """Wanted field → the most similar of `headers`, for fields that have one; a header belongs to one field.

    `wanted` has the names by which each field is known. Of many headers only the first are compared. Letters
    of the same shape are equal in every alphabet.
    """
    candidates = list(islice(dict.fromkeys(headers), MAX_COMPARED_HEADERS))
    matches = sorted(_matches(candidates, wanted, normalise), key=lambda match: -match.similarity)
    nearest: dict[str, str] = {}
    taken: set[str] = set()
    for match in matches:
        if match.field not in nearest and match.header not in taken:
            nearest[match.field] = match.header
            taken.add(match.header)
    return nearest


def _matches(
    headers: Sequence[str], wanted: Mapping[str, Sequence[str]], normalise: Normalise
) -> Iterator[_Match]:
    for field, names in wanted.items():
        for name in names:
            compare = _Similarity(name, normalise)
            for header in headers:
                similarity = compare(header)
                if similarity >= MIN_SIMILARITY:
                    yield _Match(similarity, field, header)


class _Similarity:
    """The similarity of headers to one name, from 0 to 1."""

    def __init__(self, name: str, normalise: Normalise) -> None:
        self._normalise = normalise
        self._words = _words(name)
        self._matcher = SequenceMatcher(None, autojunk=False)
        self._matcher.set_seq2(_comparable(name, normalise))

    def __call__(self, header: str) -> float:
        """Of the letters; at least one half if all words of the name are words of the header."""
        self._matcher.set_seq1(_comparable(header, self._normalise))
        has_all_words = bool(self._words) and self._words <= _words(header)
        if not has_all_words and self._matcher.quick_ratio() < MIN_SIMILARITY:
            return 0.0
        ratio = self._matcher.ratio()
        return MIN_SIMILARITY + (1 - MIN_SIMILARITY) * ratio if has_all_words else ratio


def _comparable(text: str, normalise: Normalise) -> str:
    return visual_key(normalise(text)[:MAX_COMPARED_CHARS])


def _words(text: str) -> set[str]:
    return {visual_key(word) for word in _WORD.findall(text.casefold().replace("ё", "е"))}
