"""Publishes one request and reports whether it has arrived."""

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import ProducerRecord, RecordPosition
from producer_cli.errors import InvalidInputError, UnavailableError
from producer_cli.kafka import CLIENT_ID
from producer_cli.runner import InterruptHint


async def publish(
    connection: KafkaConnection, message: ProducerRecord, retry_hint: str, interrupt_hint: InterruptHint
) -> RecordPosition:
    """Publish, wait for the acknowledgement, and return partition and offset of the message.

    `retry_hint` is the sentence on how to repeat it safely. Raises UnavailableError if the message
    may or may not have arrived, InvalidInputError if it exceeds the size limit of Kafka.
    """
    producer = Producer(connection, client_id=CLIENT_ID)
    if not producer.fits(message):
        raise InvalidInputError("The request is larger than Kafka takes; shorten its names.")
    interrupt_hint.message = f"It is not known whether the request arrived. {retry_hint}"
    try:
        (position,) = await producer.publish_with_positions([message])
    finally:
        await producer.close()
    if position is None:
        raise UnavailableError(f"{producer.last_error or 'Kafka did not answer.'} {interrupt_hint.message}")
    return position
