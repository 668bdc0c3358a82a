"""The tag of a chat: the most detailed source type that has reported it."""

from consumer.errors import UnresolvableRequestError
from schemas.codes import ErrorCode

SOURCE_TAGS = {"database": "admin_panel", "google_sheets": "bot_registrar", "excel": "academic_group"}
"""By source type, the least detailed first. A load replaces only tags that come before its own."""


def source_tag(source_type: str) -> str:
    """The tag of a source type. Raises UnresolvableRequestError for an unknown one."""
    if source_type not in SOURCE_TAGS:
        raise UnresolvableRequestError(
            ErrorCode.UNSUPPORTED_SOURCE,
            f"The dataset chats does not read from {source_type!r}; it reads from {', '.join(SOURCE_TAGS)}.",
        )
    return SOURCE_TAGS[source_type]
