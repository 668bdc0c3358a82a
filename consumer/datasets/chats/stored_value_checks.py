"""Finds stored values that earlier versions accepted and the rules would not produce now."""

from consumer.datasets.base import StoredValueCheck
from consumer.datasets.chats.rules.phone import phone

NON_RUSSIAN_PHONES = (
    r"select id, phone from directory.administrators where phone !~ '^\+7[0-9]{10}$' order by id"
)
"""All that are not Russian by their form: `is_valid_phone` checks them, for Postgres has no phonenumbers."""

IMPLAUSIBLE_DATES = """
select id, created_on::text from directory.chats
where created_on < date '1990-01-01' or created_on > (now() at time zone 'UTC')::date + 1
order by id
"""


def is_valid_phone(stored: str) -> bool:
    """Whether the rule accepts this phone unchanged."""
    return phone(stored) == (stored, None)


STORED_VALUE_CHECKS = (
    StoredValueCheck("phones in directory.administrators that are none", NON_RUSSIAN_PHONES, is_valid_phone),
    StoredValueCheck(
        "dates in directory.chats before 1990 or after tomorrow", IMPLAUSIBLE_DATES, lambda _: False
    ),
)
