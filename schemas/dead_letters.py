"""Headers of a dead letter; key and value are those of the message as it was received."""

HEADER_REASON = "dlq-reason"
HEADER_MESSAGE = "dlq-message"
"""A code of `codes.DeadLetterReason`, and a sentence for people."""

HEADER_TOPIC = "dlq-topic"
HEADER_PARTITION = "dlq-partition"
HEADER_OFFSET = "dlq-offset"
"""Where the message lay."""

HEADER_PAYLOAD_OMITTED = "dlq-payload-omitted"
"""There where the message was too large to be put aside: its value is empty, and lies where it lay."""
