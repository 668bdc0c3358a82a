"""What can go wrong between us and Kafka, as sentences a person can act on.

MessagingError
├── KafkaUnavailableError     not reachable, or silent for longer than we wait: try again later
├── TopicsMissingError        topics are not there and may not be made
├── OffsetUnavailableError        how far a group has read cannot be seen
└── UploadError          a file in chunks
    ├── UploadRejectedError    the file cannot be sent
    ├── UploadIncompleteError a chunk is missing
    ├── UploadCorruptError    a chunk or the file is not what was sent
    └── UploadExpiredError    the topic no longer keeps it
"""

from collections.abc import Iterable


class MessagingError(Exception):
    """Root of what this room raises; the text is a sentence that says what to do."""


class KafkaUnavailableError(MessagingError):
    """Kafka is not reachable, or gave no answer in time."""

    @classmethod
    def for_servers(cls, servers: str, causes: Iterable[object] = ()) -> "KafkaUnavailableError":
        """The sentence for brokers that do not answer; `causes` are what the client logged or raised."""
        why = "; ".join(dict.fromkeys(text for cause in causes if (text := str(cause).rstrip(". "))))
        return cls(
            f"Kafka at {servers} is not reachable{': ' + why if why else ''}. Check that the brokers run, "
            "that KAFKA_BOOTSTRAP_SERVERS is right and, where the brokers ask for them, "
            "KAFKA_SECURITY_PROTOCOL, the SASL mechanism, name and password and KAFKA_SSL_CAFILE."
        )


class TopicsMissingError(MessagingError):
    """Topics are missing and we may not make them."""


class OffsetUnavailableError(MessagingError):
    """How far a group has read cannot be seen."""


class UploadError(MessagingError):
    """A file could not travel through the uploads topic."""


class UploadRejectedError(UploadError):
    """The file cannot be sent: it is empty, changed meanwhile, or has a name no message may carry."""


class UploadIncompleteError(UploadError):
    """A chunk is missing between the first and the last one."""


class UploadCorruptError(UploadError):
    """A chunk, or the file made of them, is not what was sent."""


class UploadExpiredError(UploadError):
    """The topic no longer keeps the first chunk: the file has to be sent again."""
