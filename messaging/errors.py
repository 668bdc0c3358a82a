"""Errors of this package. Their texts are sentences that a user can act on.

MessagingError
├── KafkaUnavailableError       not reachable, or silent for longer than we wait: try again later
├── TopicsMissingError          topics do not exist and may not be created
├── OffsetUnavailableError      the committed offset of a group cannot be read
└── UploadError                 a file in chunks
    ├── UploadRejectedError     the file cannot be sent
    ├── UploadIncompleteError   a chunk is missing
    ├── UploadCorruptError      a chunk or the file differs from what was sent
    └── UploadExpiredError      the topic no longer retains it
"""

from collections.abc import Iterable


class MessagingError(Exception):
    """Base class of the errors of this package."""


class KafkaUnavailableError(MessagingError):
    """Kafka is not reachable, or did not answer in time."""

    @classmethod
    def for_servers(cls, servers: str, causes: Iterable[object] = ()) -> "KafkaUnavailableError":
        """The error for brokers that do not answer; `causes` are errors, or warnings of the client's log."""
        texts = (_cause_text(cause).rstrip(". ") for cause in causes)
        why = "; ".join(dict.fromkeys(filter(None, texts)))
        return cls(
            f"Kafka at {servers} is not reachable{': ' + why if why else ''}. Check that the brokers run, "
            "that KAFKA_BOOTSTRAP_SERVERS is right and, where the brokers ask for them, "
            "KAFKA_SECURITY_PROTOCOL, the SASL mechanism, name and password and KAFKA_SSL_CAFILE."
        )


class TopicsMissingError(MessagingError):
    """Topics do not exist and may not be created."""


class OffsetUnavailableError(MessagingError):
    """The committed offset of a group cannot be read."""


class UploadError(MessagingError):
    """A file could not be sent or read through the uploads topic."""


class UploadRejectedError(UploadError):
    """The file cannot be sent: it is empty, changed meanwhile, or its name cannot be put into a message."""


class UploadIncompleteError(UploadError):
    """A chunk is missing between the first and the last one."""


class UploadCorruptError(UploadError):
    """A chunk, or the assembled file, differs from what was sent."""


class UploadExpiredError(UploadError):
    """The topic no longer retains the first chunk: the file has to be sent again."""


def _cause_text(cause: object) -> str:
    """The text of a cause; the type of an error that has none."""
    return str(cause) or (type(cause).__name__ if isinstance(cause, BaseException) else "")
