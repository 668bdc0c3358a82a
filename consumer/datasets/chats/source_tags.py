"""The tag a chat carries: the most detailed kind of source that ever told of it."""

from consumer.errors import UnresolvableRequestError
from schemas.codes import ErrorCode

SOURCE_TAGS = {"database": "admin_panel", "google_sheets": "bot_registrar", "excel": "academic_group"}
"""By type of source, the least detailed first: a tag never goes down."""


def source_tag(source_type: str) -> str:
    """The tag of a type of source, or UnresolvableRequestError."""
    if source_type not in SOURCE_TAGS:
        raise UnresolvableRequestError(
            ErrorCode.UNSUPPORTED_SOURCE,
            f"The dataset chats does not read from {source_type!r}; it reads from {', '.join(SOURCE_TAGS)}.",
        )
    return SOURCE_TAGS[source_type]


def weaker_tags(source_type: str) -> tuple[str, ...]:
    """The tags that a load from this type of source raises to its own."""
    tags = list(SOURCE_TAGS.values())
    return tuple(tags[: tags.index(source_tag(source_type))])
