"""The dataset `chats`, as the service finds it."""

from datetime import date, timedelta

from consumer.datasets.base import Checker, Dataset
from consumer.datasets.chats import stages
from consumer.datasets.chats.checker import ChatChecker
from consumer.datasets.chats.fields import FIELDS
from consumer.datasets.chats.merge.build import merge
from consumer.datasets.chats.rules_version import rules_version
from consumer.datasets.chats.stored_checks import STORED_CHECKS
from consumer.datasets.chats.tags import tag

AHEAD = timedelta(days=1)
"""Half the world has a date that UTC reaches later; no clock is further ahead."""


def checker(source_type: str, day: date) -> Checker:
    """A checker for a load that began on a day (UTC); the rules are the same for every source."""
    tag(source_type)
    return ChatChecker(stages.chats(source_type), day + AHEAD)


DATASET = Dataset(
    name="chats",
    rules_version=rules_version(),
    fields=FIELDS,
    checker=checker,
    merge=merge,
    stored_checks=STORED_CHECKS,
)
