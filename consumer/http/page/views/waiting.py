"""What a job waits for, in words of the reader's language."""

from collections.abc import Mapping

from consumer.http.page.texts.catalog import Texts
from consumer.waiting import WAITING_FOR_NEXT_ATTEMPT, WAITING_FOR_QUOTA, WAITING_FOR_VERSION

WAITING_KEYS: Mapping[str, str] = {
    WAITING_FOR_QUOTA: "waiting.quota",
    WAITING_FOR_NEXT_ATTEMPT: "waiting.next_attempt",
    WAITING_FOR_VERSION: "waiting.version",
}
"""Key of the text by the `detail` of a job, or by its beginning."""


def waiting_text(detail: str, texts: Texts) -> str:
    """The `detail` of a job in the language of `texts`; as it is if not known, as from another version."""
    known = WAITING_FOR_VERSION if detail.startswith(WAITING_FOR_VERSION) else detail
    key = WAITING_KEYS.get(known)
    return detail if key is None else texts(key)
