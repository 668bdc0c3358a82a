"""`migration watch` and `--watch`: show a job until it ends, is rejected, or `--wait` elapses."""

from messaging.connection import KafkaConnection
from producer_cli.errors import CliError, ExitCode, InvalidInputError
from producer_cli.events import RunTracker, exit_code_for
from producer_cli.follow import DeadLettered, Done, FollowCallbacks, WaitTimedOut, follow
from producer_cli.kafka.event_stream import JobEventStream, open_event_stream
from producer_cli.render.base import Renderer
from producer_cli.render.formatting import format_duration
from producer_cli.runner import InterruptHint, job_continues_hint
from producer_cli.text import strip_control_chars

NO_RESPONSE_NOTICE = (
    "No consumer has answered yet; still waiting.\nThe request is kept safely in Kafka until one does."
)
NO_EVENT_MESSAGE = "No status event of the request has been received; if it was sent, Kafka keeps it."
UNCOMMITTED_NOTICE = (
    "This request id came to an end, but the service has not read yet what was just sent; still waiting.\n"
    "It is kept safely in Kafka until the service does."
)
UNCOMMITTED_MESSAGE = "The service has not read what was sent; it is kept safely in Kafka until it does."
UNKNOWN_REQUEST_NOTICE = "Nothing is known of this request yet; waiting for its first event …"


class WaitTimeoutError(CliError):
    """The job had not ended after the seconds of `--wait`."""

    code = ExitCode.TIMED_OUT


async def watch(
    connection: KafkaConnection,
    request_id: str,
    renderer: Renderer,
    wait: float | None,
    interrupt_hint: InterruptHint,
) -> ExitCode:
    """`migration watch`: the job as it is now, then every change."""
    async with open_event_stream(connection, request_id, from_beginning=True) as heard:
        interrupt_hint.message = NO_EVENT_MESSAGE
        fold = RunTracker()
        if known := heard.known_event:
            fold.accept(known)
            interrupt_hint.message = job_continues_hint(request_id)
        else:
            renderer.info(UNKNOWN_REQUEST_NOTICE)
        return await follow_to_end(heard, fold, renderer, wait, request_id)


async def follow_to_end(
    stream: JobEventStream,
    tracker: RunTracker,
    renderer: Renderer,
    wait: float | None,
    request_id: str,
    await_commit: bool = False,
) -> ExitCode:
    """Show the events of a job until it ends; return the exit code for its final event.

    With `await_commit` the end is reported only once the service has committed the published message.
    Raises InvalidInputError for a dead letter, WaitTimeoutError after `wait` seconds.
    """
    with renderer.live_progress():
        if tracker.last:
            renderer.on_event(tracker.last)
        watcher = FollowCallbacks(
            renderer.on_event,
            lambda: renderer.info(NO_RESPONSE_NOTICE),
            lambda: renderer.info(UNCOMMITTED_NOTICE),
        )
        outcome = await follow(stream.next, tracker, watcher, await_commit=await_commit, timeout=wait)
    match outcome:
        case Done(last, doubt):
            renderer.on_end(last.event)
            note_uncertainty(doubt, renderer)
            return exit_code_for(last.event)
        case DeadLettered():
            raise InvalidInputError(dead_letter_message(outcome))
        case WaitTimedOut(seconds, uncommitted=True):
            raise WaitTimeoutError(f"Waited {format_duration(seconds)}. {UNCOMMITTED_MESSAGE}")
        case WaitTimedOut(seconds):
            news = job_continues_hint(request_id) if tracker.last else NO_EVENT_MESSAGE
            raise WaitTimeoutError(f"Waited {format_duration(seconds)}. {news}")


def note_uncertainty(uncertainty: str | None, renderer: Renderer) -> None:
    """Say that the end may be that of another message with the same id, where that cannot be seen."""
    if uncertainty is not None:
        renderer.info(f"Whether the service has read what was just sent cannot be seen: {uncertainty}.")


def dead_letter_message(dead_letter: DeadLettered) -> str:
    """The error sentence for a message that the service published as a dead letter."""
    reason = strip_control_chars(dead_letter.reason)
    message = strip_control_chars(dead_letter.message).rstrip(".")
    return f"The service refused this ({reason}): {message}."
