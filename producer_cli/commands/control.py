"""`migration cancel` and `migration retry`: a command to a job, and the answer to it."""

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

RETRY_HINT = "The same command can be given again without harm."
TOPICS = (REQUESTS, STATUS, DEAD_LETTERS)
"""A topic that the caller may not see would look as if it were missing."""
ACK_TIMEOUT_SECONDS = 5.0
"""How long one who does not watch waits for the answer: a running job is cancelled within a second."""


async def send_command(
    connection: KafkaConnection,
    request: Command,
    renderer: Renderer,
    watch: bool,
    wait: float | None,
    interrupt_hint: InterruptHint,
) -> ExitCode:
    """Publish the command; follow the job, or wait for the answer only."""
    interrupt_hint.message = "Nothing was asked for."
    await ensure_topics(connection, TOPICS)
    message = to_record(request)
    async with open_event_stream(
        connection, request.request_id, from_beginning=True, sent_value=message.value
    ) as heard:
        known = heard.known_event
        heard.track_commit(await publish(connection, message, RETRY_HINT, interrupt_hint))
        interrupt_hint.message = job_continues_hint(request.request_id)
        if watch and not nothing_to_cancel(request, known):
            fold = tracker_for_command(request, known)
            return await follow_to_end(heard, fold, renderer, wait, request.request_id, await_commit=True)
        await wait_for_ack(heard, request, known, renderer)
    return ExitCode.OK


def nothing_to_cancel(request: Command, known_event: ReceivedEvent | None) -> bool:
    """Whether the job, as far as we know, has ended before the command."""
    return (
        isinstance(request, CancelRequest) and known_event is not None and known_event.event.status.terminal
    )


def tracker_for_command(request: Command, known_event: ReceivedEvent | None) -> RunTracker:
    """What counts as news after the command."""
    if isinstance(request, RetryRequest):
        return RunTracker.for_next_run(known_event)
    return RunTracker(known_event.event.sequence) if known_event else RunTracker()


async def wait_for_ack(
    stream: JobEventStream, request: Command, known_event: ReceivedEvent | None, renderer: Renderer
) -> None:
    """Wait a little for the answer and tell it; no answer is no harm."""
    until = RunTracker.latest_in_run if isinstance(request, RetryRequest) else RunTracker.end_of_run
    nobody = FollowCallbacks(lambda _: None, lambda: None)
    fold = tracker_for_command(request, known_event)
    outcome = await follow(
        stream.next, fold, nobody, until=until, await_commit=True, timeout=ACK_TIMEOUT_SECONDS
    )
    match outcome:
        case Done(last, doubt):
            renderer.on_event(last)
            note_uncertainty(doubt, renderer)
        case DeadLettered() if known_event and nothing_to_cancel(request, known_event):
            raise InvalidInputError(
                f"There is nothing to cancel: the job has {known_event.event.status} already."
            )
        case DeadLettered():
            raise InvalidInputError(dead_letter_message(outcome))
        case WaitTimedOut():
            name = shlex.quote(request.request_id)
            renderer.info(f"No answer yet; the command is kept safely in Kafka. See: migration status {name}")
