"""`migration cancel` and `migration retry`: publish a command to a job and wait for its effect."""

import shlex

from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from producer_cli.commands.watch import dead_letter_message, follow_to_end, note_uncertainty
from producer_cli.errors import ExitCode, InvalidInputError
from producer_cli.events import ReceivedEvent, RunTracker
from producer_cli.follow import DeadLettered, Done, FollowCallbacks, WaitTimedOut, follow
from producer_cli.kafka.event_stream import JobEventStream, open_event_stream
from producer_cli.kafka.publishing import publish
from producer_cli.render.base import Renderer
from producer_cli.requests import to_record
from producer_cli.runner import InterruptHint, job_continues_hint
from schemas.requests import CancelRequest, RetryRequest
from schemas.topics import DEAD_LETTERS, REQUESTS, STATUS

Command = CancelRequest | RetryRequest

RETRY_HINT = "The same command can safely be repeated."
TOPICS = (REQUESTS, STATUS, DEAD_LETTERS)
"""The topics used: Kafka reports a topic that the user may not see as missing."""
ACK_TIMEOUT_SECONDS = 5.0
"""How long to wait for the effect without --watch; a running job is cancelled within a second."""


async def send_command(
    connection: KafkaConnection,
    request: Command,
    renderer: Renderer,
    watch: bool,
    wait: float | None,
    interrupt_hint: InterruptHint,
) -> ExitCode:
    """Publish the command; then follow the job, or wait for the effect of the command only."""
    interrupt_hint.message = "Nothing was published."
    await ensure_topics(connection, TOPICS)
    message = to_record(request)
    async with open_event_stream(
        connection, request.request_id, from_beginning=True, sent_value=message.value
    ) as stream:
        known_event = stream.known_event
        stream.track_commit(await publish(connection, message, RETRY_HINT, interrupt_hint))
        interrupt_hint.message = job_continues_hint(request.request_id)
        if watch and not nothing_to_cancel(request, known_event):
            tracker = tracker_for_command(request, known_event)
            return await follow_to_end(stream, tracker, renderer, wait, request.request_id, await_commit=True)
        await wait_for_ack(stream, request, known_event, renderer)
    return ExitCode.OK


def nothing_to_cancel(request: Command, known_event: ReceivedEvent | None) -> bool:
    """Whether the request is a cancel and the job had ended before it was published."""
    return (
        isinstance(request, CancelRequest) and known_event is not None and known_event.event.status.terminal
    )


def tracker_for_command(request: Command, known_event: ReceivedEvent | None) -> RunTracker:
    """Return a tracker that accepts only events published after the command."""
    if isinstance(request, RetryRequest):
        return RunTracker.for_next_run(known_event)
    return RunTracker(known_event.event.sequence) if known_event else RunTracker()


async def wait_for_ack(
    stream: JobEventStream, request: Command, known_event: ReceivedEvent | None, renderer: Renderer
) -> None:
    """Wait up to ACK_TIMEOUT_SECONDS for the effect of the command and show it.

    Raises InvalidInputError if the service rejects the command. A timeout is not an error: Kafka keeps it.
    """
    until = RunTracker.latest_in_run if isinstance(request, RetryRequest) else RunTracker.end_of_run
    no_callbacks = FollowCallbacks(lambda _: None, lambda: None)
    tracker = tracker_for_command(request, known_event)
    outcome = await follow(
        stream.next, tracker, no_callbacks, until=until, await_commit=True, timeout=ACK_TIMEOUT_SECONDS
    )
    match outcome:
        case Done(last, uncertainty):
            renderer.on_event(last)
            note_uncertainty(uncertainty, renderer)
        case DeadLettered() if known_event and nothing_to_cancel(request, known_event):
            raise InvalidInputError(
                f"There is nothing to cancel: the job has {known_event.event.status} already."
            )
        case DeadLettered():
            raise InvalidInputError(dead_letter_message(outcome))
        case WaitTimedOut():
            name = shlex.quote(request.request_id)
            renderer.info(f"No answer yet; the command is kept safely in Kafka. See: migration status {name}")
