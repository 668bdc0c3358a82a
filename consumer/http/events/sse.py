"""Server-Sent Events as bytes (WHATWG HTML, section 9.2), and where a client's stream goes on."""

import re

MEDIA_TYPE = "text/event-stream"
RETRY_FRAME = b"retry: 2000\n\n"
"""A client that lost its stream comes back after so many milliseconds."""
HEARTBEAT_FRAME = b": heartbeat\n\n"
"""A comment: it keeps proxies from closing a quiet stream, and clients ignore it."""
LAST_EVENT_ID_PATTERN = r"^[0-9]{1,19}$"
"""What `Last-Event-ID` may be: a sequence as this service sent it."""

_LINE_END = re.compile(r"\r\n|\r|\n")


def format_event(sequence: int, data: str) -> bytes:
    """One event of the default type, with its sequence as the id that the client sends back."""
    lines = "".join(f"data: {line}\n" for line in _LINE_END.split(data))
    return f"id: {sequence}\n{lines}\n".encode()


def resume_sequence(last_event_id: str | None, last_sequence: int, *, terminal: bool) -> int | None:
    """The sequence behind which a stream starts; None where the client has seen all there will be.

    `last_sequence` is that of the job's last event, `terminal` whether the job has ended. A client without an
    id gets the last event first. An id from beyond the last event, as after a database was restored from
    a backup, counts as the last one: waiting for it would look like a job that does not move.
    """
    if last_event_id is None:
        return max(last_sequence - 1, 0)
    position = min(int(last_event_id), last_sequence)
    return None if terminal and position == last_sequence else position
