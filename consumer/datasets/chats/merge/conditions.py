"""When a stored row has nothing to learn from a row of a batch. Empty values never count.

Stated once and put into the statements by name: a look finds rows that differ, and the update asks
again when it holds the lock, because another load may have been there in between (READ COMMITTED).
"""

KEEPS_ORG_UNIT = """(
      w.university_id = c.university_id
        and (w.branch_id is null or w.branch_id is not distinct from c.branch_id)
        and (w.faculty_id is null or w.faculty_id is not distinct from c.faculty_id)
      or w.without_kpp and w.university_id <> c.university_id
        and w.inn = (select u.inn from directory.universities u where u.id = c.university_id))"""
"""Chat `c` stays where it is: row `w` says nothing else, or knows less of the same ИНН."""

SAME_CHAT = """(
      (w.name = '' or w.name = c.name)
      and (w.external_chat_id = '' or w.external_chat_id = c.external_chat_id)
      and (w.participants is null or w.participants is not distinct from c.participants)
      and (w.created_on is null or w.created_on is not distinct from c.created_on)
      and (w.creator_id = '' or w.creator_id = c.creator_id)
      and c.source <> all (:lower)
      and :stays)"""

SAME_ADMINISTRATOR = """(
      (w.max_id = '' or w.max_id = a.max_id)
      and (w.add_user is null or w.add_user = a.add_user)
      and (w.add_admin is null or w.add_admin = a.add_admin))"""

PHONE_ONLY_SOURCES = frozenset({"database"})
"""Types of source that know of an administrator nothing but the phone: an index tells all there is."""


def same_administrator(source_type: str) -> str:
    """The condition for rows from this type of source."""
    return "true" if source_type in PHONE_ONLY_SOURCES else SAME_ADMINISTRATOR
