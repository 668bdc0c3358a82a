"""The tag a chat carries: the most detailed kind of source that ever told of it."""

from consumer.errors import RequestRefused
from schemas.codes import ErrorCode

TAGS = {"database": "admin_panel", "google_sheets": "bot_registrar", "excel": "academic_group"}
"""By type of source, the least detailed first: a tag never goes down."""


def tag(source_type: str) -> str:
    """The tag of a type of source, or RequestRefused."""
    if source_type not in TAGS:
        raise RequestRefused(
            ErrorCode.UNSUPPORTED_SOURCE,
            f"The dataset chats does not read from {source_type!r}; it reads from {', '.join(TAGS)}.",
        )
    return TAGS[source_type]


def lower_tags(source_type: str) -> tuple[str, ...]:
    """The tags that a load from this type of source raises to its own."""
    tags = list(TAGS.values())
    return tuple(tags[: tags.index(tag(source_type))])
