"""What can go wrong between us and Kafka, as sentences a person can act on.

MessagingError
├── KafkaUnavailable     not reachable, or silent for longer than we wait: try again later
├── TopicsMissing        topics are not there and may not be made
├── ReadingUnseen        how far a group has read cannot be seen
└── UploadError          a file in chunks
    ├── UploadRefused    the file cannot be sent
    ├── UploadIncomplete a chunk is missing
    ├── UploadCorrupt    a chunk or the file is not what was sent
    └── UploadExpired    the topic no longer keeps it
"""

from collections.abc import Iterable


class MessagingError(Exception):
    """Root of what this room raises; the text is a sentence that says what to do."""


class KafkaUnavailable(MessagingError):
    """Kafka is not reachable, or gave no answer in time."""

    @classmethod
    def at(cls, servers: str, causes: Iterable[object] = ()) -> "KafkaUnavailable":
        """The sentence for brokers that do not answer; `causes` are what the client logged or raised."""
        why = "; ".join(dict.fromkeys(text for cause in causes if (text := str(cause).rstrip(". "))))
        return cls(
            f"Kafka at {servers} is not reachable{': ' + why if why else ''}. Check that the brokers run, "
            "that KAFKA_BOOTSTRAP_SERVERS is right and, where the brokers ask for them, "
            "KAFKA_SECURITY_PROTOCOL, the SASL mechanism, name and password and KAFKA_SSL_CAFILE."
        )


class TopicsMissing(MessagingError):
    """Topics are missing and we may not make them."""


class ReadingUnseen(MessagingError):
    """How far a group has read cannot be seen."""


class UploadError(MessagingError):
    """A file could not travel through the uploads topic."""


class UploadRefused(UploadError):
    """The file cannot be sent: it is empty, changed meanwhile, or has a name no message may carry."""


class UploadIncomplete(UploadError):
    """A chunk is missing between the first and the last one."""


class UploadCorrupt(UploadError):
    """A chunk, or the file made of them, is not what was sent."""


class UploadExpired(UploadError):
    """The topic no longer keeps the first chunk: the file has to be sent again."""
