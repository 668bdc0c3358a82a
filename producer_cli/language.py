"""The language of files that people read: the one they ask for, else that of their terminal, else English."""

from collections.abc import Mapping

from producer_cli.errors import InvalidInputError

LANGUAGES = ("ru", "en")
DEFAULT_LANGUAGE = "en"
LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set and not empty decides (POSIX, 8.2)."""


def resolve_language(chosen: str | None, environment: Mapping[str, str]) -> str:
    """A language of LANGUAGES; raises InvalidInputError if `chosen` is none of them."""
    if chosen is None:
        locale = next(filter(None, map(environment.get, LOCALE_VARIABLES)), "")
        return locale[:2].lower() if locale[:2].lower() in LANGUAGES else DEFAULT_LANGUAGE
    if chosen not in LANGUAGES:
        raise InvalidInputError(f"--lang must be {' or '.join(LANGUAGES)}.")
    return chosen
