"""What the address of a job's page says beside the job: a command published from it, or refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args
from urllib.parse import urlencode

from consumer.http.page.views.actions import Action, AskedCommand

SECONDS = re.compile(r"[0-9]{1,10}", re.ASCII)
"""Seconds since 1970, until the year 2286."""
RUN = re.compile(r"[0-9]{1,9}", re.ASCII)
NAMES = ("asked", "at", "run", "refused", "queued")
ACTIONS: dict[str, Action] = {action: action for action in get_args(Action)}
Refusal = Literal["cancel", "retry", "limit"]
"""A command that was refused; `limit`: a retry whose limit of rejected rows cannot be used."""
REFUSALS: dict[str, Refusal] = {refusal: refusal for refusal in get_args(Refusal)}


@dataclass(frozen=True, slots=True)
class Notices:
    """`queued`: the request may not be recorded yet. `query`: the notices as they are in the address."""

    asked: AskedCommand | None = None
    refused: Refusal | None = None
    queued: bool = False
    query: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Notices":
        """The notices of an address; what cannot be used counts as absent."""
        return cls(
            asked=_asked(values),
            refused=REFUSALS.get(values.get("refused", "")),
            queued="queued" in values,
            query=urlencode({name: values[name] for name in NAMES if name in values}),
        )


def _asked(values: Mapping[str, str]) -> AskedCommand | None:
    action = ACTIONS.get(values.get("asked", ""))
    at, run = values.get("at", ""), values.get("run", "")
    if action is None or not SECONDS.fullmatch(at) or not RUN.fullmatch(run):
        return None
    return AskedCommand(action, datetime.fromtimestamp(int(at), UTC), int(run))
