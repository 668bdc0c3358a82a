"""Puts one request into Kafka, and knows whether it is there for sure."""

import shlex

from messaging.connection import KafkaConnection
from messaging.producer import Producer
from messaging.records import Outgoing, Place
from producer_cli.exits import Unreachable, WrongInput
from producer_cli.run import Afterword

CLIENT_ID = "migration-cli"


async def publish(connection: KafkaConnection, message: Outgoing, again: str, afterword: Afterword) -> Place:
    """Publish and wait for the acknowledgement; where the message lies.

    `again` says how to send it once more without harm. Raises Unreachable where it may or may not have
    arrived, WrongInput where it is larger than Kafka takes.
    """
    producer = Producer(connection, client_id=CLIENT_ID)
    if not producer.fits(message):
        raise WrongInput("The request is larger than Kafka takes; shorten its names.")
    afterword.sentence = f"It is not known whether the request arrived. {again}"
    try:
        (place,) = await producer.placed([message])
    finally:
        await producer.close()
    if place is None:
        raise Unreachable(f"{producer.problem or 'Kafka did not answer.'} {afterword.sentence}")
    return place


def the_job_goes_on(request_id: str) -> str:
    """What to know when one leaves a job that is under way."""
    return f"The job goes on: migration watch {shlex.quote(request_id)}"
