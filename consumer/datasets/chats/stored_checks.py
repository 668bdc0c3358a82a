"""What earlier versions stored of chats that the rules of today would not give."""

from consumer.datasets.base import StoredCheck
from consumer.datasets.chats.rules.phone import phone

NOT_RUSSIAN = r"select id, phone from directory.administrators where phone !~ '^\+7[0-9]{10}$' order by id"
"""Russian phones are judged by their form; the others by phonenumbers, which Postgres does not have."""

DATES = """
select id, created_on::text from directory.chats
where created_on < date '1990-01-01' or created_on > (now() at time zone 'UTC')::date + 1
order by id
"""


def is_kept(stored: str) -> bool:
    """Whether the rule would store this phone as it is."""
    return phone(stored) == (stored, None)


STORED_CHECKS = (
    StoredCheck("phones in directory.administrators that are none", NOT_RUSSIAN, is_kept),
    StoredCheck("dates in directory.chats before 1990 or after tomorrow", DATES, lambda _: False),
)
