"""Looks up the texts of the page in one language, with its plural forms.

A text is a value of `en.toml` or `ru.toml`, addressed by its path: `ui.jobs.title`. A table of plural forms
(`one`, `few`, `many`, `other`) is one text, whose form the number `n` chooses by the rules of CLDR.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.numbers import format_decimal
from markupsafe import Markup, escape

from consumer.http.page.language import Language

PLURAL_FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})
"""The categories of CLDR; a table with the key `other` and no keys but these is one text."""
PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
CODE = re.compile(r"`([^`]+)`")
MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")

Text = str | Mapping[str, str]
"""A text, or its plural forms."""


class Texts:
    """The texts of one language."""

    def __init__(self, language: Language, texts: Mapping[str, Text]) -> None:
        self.language = language
        self._texts = texts
        self._locale = Locale.parse(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its placeholders filled in, as plain text.

        `n` is a number: it chooses the plural form, and `{n}` shows it as the language writes numbers. All
        other values are shown as they are: format numbers first. Raises KeyError, which names the key, if
        there is no such text, or no value for a placeholder.
        """
        text = self._texts[key]
        if not isinstance(text, str):
            text = text[self._plural_form(key, values)]
        return PLACEHOLDER.sub(lambda match: self._value(key, match[1], values), text)

    def get(self, key: str, default: str, **values: object) -> str:
        """The text of a key, or `default` if there is none, as for a code of a newer service."""
        return self(key, **values) if key in self else default

    def __contains__(self, key: str) -> bool:
        """Whether there is a text of this key, such as that of a code of a newer service."""
        return key in self._texts

    def __iter__(self) -> Iterator[str]:
        """All keys."""
        return iter(self._texts)

    def forms(self, key: str) -> Text:
        """A text as it is in the file: with its placeholders, and all plural forms. Raises KeyError."""
        return self._texts[key]

    def _plural_form(self, key: str, values: Mapping[str, Any]) -> str:
        if "n" not in values:
            raise _missing(key, "n")
        return self._locale.plural_form(values["n"])

    def _value(self, key: str, name: str, values: Mapping[str, Any]) -> str:
        if name not in values:
            raise _missing(key, name)
        return format_decimal(values[name], locale=self._locale) if name == "n" else str(values[name])


@cache
def load_texts(language: Language) -> Texts:
    """The texts of a language, read once."""
    return Texts(language, dict(_flatten(_read(language))))


def to_sentence(text: str) -> str:
    """A cause or remedy as a sentence of its own: with a capital at its beginning and a full stop."""
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?", "…")) else ".")


def to_html(text: str) -> Markup:
    """A text as HTML: escaped, what is between backticks as `<code>`, a Markdown link as its words."""
    escaped = str(escape(MARKDOWN_LINK.sub(r"\1", text)))
    return Markup(CODE.sub(r"<code>\1</code>", escaped))  # noqa: S704 – escaped above


def _read(language: Language) -> dict[str, Any]:
    resource = files("consumer.http.page.texts") / f"{language}.toml"
    return tomllib.loads(resource.read_text(encoding="utf-8"))


def _flatten(table: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Text]]:
    for name, value in table.items():
        key = f"{path}.{name}" if path else name
        if isinstance(value, str) or _is_plural(value):
            yield key, value
        else:
            yield from _flatten(value, key)


def _is_plural(value: Mapping[str, Any]) -> bool:
    return "other" in value and set(value) <= PLURAL_FORMS


def _missing(key: str, placeholder: str) -> KeyError:
    return KeyError(f"{key}: no value for {{{placeholder}}}")
