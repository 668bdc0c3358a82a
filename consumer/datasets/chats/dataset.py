"""The dataset `chats`, as the service finds it."""

from consumer.datasets.base import Checker, Dataset
from consumer.datasets.chats import stages
from consumer.datasets.chats.checker import ChatChecker
from consumer.datasets.chats.fields import FIELDS
from consumer.datasets.chats.merge.build import merge
from consumer.datasets.chats.tags import tag


def checker(source_type: str) -> Checker:
    """A checker for one load; the rules are the same for every source this dataset reads."""
    tag(source_type)
    return ChatChecker(stages.chats(source_type))


DATASET = Dataset(name="chats", fields=FIELDS, checker=checker, merge=merge)
