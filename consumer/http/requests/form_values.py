"""The fields of a form, which are texts, as the numbers and flags that they mean."""

import re
from collections.abc import Mapping
from typing import Any

DIGITS = re.compile(r"[0-9]{1,10}")
INTEGER_FIELDS = ("timeout_seconds", "max_attempts", "max_rejected")
FLAG_FIELDS = ("dry_run", "all_or_nothing")
FLAGS = {"true": True, "on": True, "false": False}
"""Values of a flag in a form; a browser sends `on` for a tick."""


def form_values(fields: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a form with numbers and flags as such; an empty field counts as absent."""
    values: dict[str, Any] = {name: text for name, text in fields.items() if text}
    for name in INTEGER_FIELDS:
        if DIGITS.fullmatch(values.get(name, "")):
            values[name] = int(values[name])
    for name in values.keys() & set(FLAG_FIELDS):
        values[name] = FLAGS.get(values[name].lower(), values[name])
    return values
