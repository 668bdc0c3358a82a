"""The dataset `chats`, as the service finds it."""

from datetime import date, timedelta

from consumer.datasets.base import Dataset, RowValidator
from consumer.datasets.chats import staging
from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.merge.plan import make_merge_plan
from consumer.datasets.chats.rules_version import rules_version
from consumer.datasets.chats.source_tags import source_tag
from consumer.datasets.chats.stored_value_checks import STORED_VALUE_CHECKS
from consumer.datasets.chats.validator import ChatValidator

MAX_DATE_AHEAD = timedelta(days=1)
"""Half the world has a date that UTC reaches later; no clock is further ahead."""


def make_validator(source_type: str, started_on: date) -> RowValidator:
    """A checker for a load that began on a day (UTC); the rules are the same for every source."""
    source_tag(source_type)
    return ChatValidator(staging.chats_table(source_type), started_on + MAX_DATE_AHEAD)


DATASET = Dataset(
    name="chats",
    rules_version=rules_version(),
    column_spec=COLUMN_SPEC,
    make_validator=make_validator,
    make_merge_plan=make_merge_plan,
    stored_value_checks=STORED_VALUE_CHECKS,
)
