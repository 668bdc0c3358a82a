"""Makes text fit for logs, events and error messages: no phones, nothing that cannot be stored."""

import re

_PHONE = re.compile(r"(?<![\w-])\+?\d[\d ()-]{8,}\d(?![\w-])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def mask(text: str) -> str:
    """A phone keeps its last two digits."""
    return _PHONE.sub(lambda match: "…" + match.group()[-2:], text)


def presentable(text: str) -> str:
    """Text that may be shown to anybody and that Postgres stores."""
    return mask(_UNSTORABLE.sub("�", text))
