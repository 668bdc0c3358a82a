"""Server-Sent Events as bytes (WHATWG HTML, section 9.2), and the event after which a client resumes."""

import re

MEDIA_TYPE = "text/event-stream"
RETRY_FRAME = b"retry: 2000\n\n"
"""Milliseconds after which a disconnected client reconnects."""
HEARTBEAT_FRAME = b": heartbeat\n\n"
"""A comment, which clients ignore; it keeps proxies from closing an idle stream."""
LAST_EVENT_ID_PATTERN = r"^[0-9]{1,19}$"
"""Valid values of `Last-Event-ID`: a sequence that this service sent."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def format_event(sequence: int, data: str) -> bytes:
    """One event of the default type, with its sequence as the id."""
    lines = "".join(f"data: {line}\n" for line in _LINE_END.split(data))
    return f"id: {sequence}\n{lines}\n".encode()


def resume_sequence(last_event_id: str | None, last_sequence: int, *, terminal: bool) -> int | None:
    """The sequence after which a stream starts; None if the client has received every event there will be.

    `last_sequence` is that of the job's last event, `terminal` whether the job has ended. Without an id the
    stream starts with the last event. An id above the last sequence, as after a restore from a backup, is
    treated as the last one: otherwise the client would wait while the job seems not to progress.
    """
    if last_event_id is None:
        return max(last_sequence - 1, 0)
    sequence = min(int(last_event_id), last_sequence)
    return None if terminal and sequence == last_sequence else sequence
