"""The dataset `chats`, as `consumer.datasets.registry` finds it."""

from datetime import date, timedelta
from importlib.metadata import version

from consumer.datasets.base import Dataset, RowValidator
from consumer.datasets.chats import staging
from consumer.datasets.chats.column_spec import COLUMN_SPEC
from consumer.datasets.chats.merge.plan import make_merge_plan
from consumer.datasets.chats.source_tags import source_tag
from consumer.datasets.chats.stored_value_checks import STORED_VALUE_CHECKS
from consumer.datasets.chats.template import TEMPLATE
from consumer.datasets.chats.validator import ChatValidator

CELL_RULES_VERSION = 8
"""Increased by hand with every change of a rule, or of the value that a source reads from a cell."""
MAX_DATE_AHEAD = timedelta(days=1)
"""Time zones are at most 14 hours ahead of UTC."""


def rules_version() -> str:
    """Changes with the rules and with the package that knows foreign phone numbers."""
    return f"{CELL_RULES_VERSION}+phonenumbers-{version('phonenumbers')}"


def make_validator(source_type: str, started_on: date) -> RowValidator:
    """A validator for a load that started on this day (UTC). The rules are the same for all source types.

    Raises UnresolvableRequestError for an unknown source type.
    """
    source_tag(source_type)
    return ChatValidator(staging.chats_table(source_type), started_on + MAX_DATE_AHEAD)


DATASET = Dataset(
    name="chats",
    rules_version=rules_version(),
    column_spec=COLUMN_SPEC,
    make_validator=make_validator,
    make_merge_plan=make_merge_plan,
    stored_value_checks=STORED_VALUE_CHECKS,
    template=TEMPLATE,
)
