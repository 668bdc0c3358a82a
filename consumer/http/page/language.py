"""The language of the page: the reader's choice in a cookie, else the browser's preference, else English."""

import re
from collections.abc import Iterator
from enum import StrEnum

ANY_LANGUAGE = "*"
RANGE = re.compile(
    r"[ \t]*(?P<tag>\*|[a-z]{1,8}(?:-[a-z0-9]{1,8})*)"
    r"[ \t]*(?:;[ \t]*q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)[ \t]*)?",
    re.ASCII | re.IGNORECASE,
)
"""One element of Accept-Language with its weight (RFC 9110, 12.5.4 and 12.4.2)."""


class Language(StrEnum):
    """A language in which the page has texts."""

    EN = "en"
    RU = "ru"


DEFAULT_LANGUAGE = Language.EN
LANGUAGES = {language.value: language for language in Language}


def choose_language(cookie: str | None, accept_language: str | None) -> Language:
    """The language of the cookie if the page has it, else the one that weighs most in Accept-Language.

    Of equal weights the first in the header wins. `ru-RU` asks for `ru`. `*` matches the languages that the
    header does not name, the default first. Malformed elements are ignored; nothing is raised.
    """
    return LANGUAGES.get(cookie or "") or _preferred(accept_language or "")


def _preferred(header: str) -> Language:
    weights = _language_weights(header)
    best = max(weights, key=lambda language: weights[language], default=DEFAULT_LANGUAGE)
    return best if weights.get(best) else DEFAULT_LANGUAGE


def _language_weights(header: str) -> dict[Language, float]:
    """The weight of each language that the header names or matches by `*`, in the order of the header."""
    ranges = list(_parse_ranges(header))
    named = {tag for tag, _ in ranges}
    matches = {tag: [language] for tag, language in LANGUAGES.items()}
    matches[ANY_LANGUAGE] = [language for language in Language if language not in named]
    weights: dict[Language, float] = {}
    for tag, weight in ranges:
        for language in matches.get(tag, []):
            weights[language] = max(weight, weights.get(language, 0.0))
    return weights


def _parse_ranges(header: str) -> Iterator[tuple[str, float]]:
    """The primary subtag and the weight of each element that is well-formed."""
    for element in header.split(","):
        if match := RANGE.fullmatch(element):
            yield match["tag"].lower().partition("-")[0], float(match["weight"] or 1)
