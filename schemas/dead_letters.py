"""Headers of a dead letter. Its key and value are those of the rejected message, byte for byte."""

HEADER_REASON = "dlq-reason"
HEADER_MESSAGE = "dlq-message"
"""A code of `codes.DeadLetterReason`, and an explanation for people."""

HEADER_TOPIC = "dlq-topic"
HEADER_PARTITION = "dlq-partition"
HEADER_OFFSET = "dlq-offset"
"""Position of the rejected message."""

HEADER_PAYLOAD_OMITTED = "dlq-payload-omitted"
"""Present if the message was too large for the dead-letter topic; the value of the dead letter is then empty.

The message itself can be read at its position until its topic deletes it.
"""
