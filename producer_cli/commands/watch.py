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
    "A job of this request id has ended, but the service has not read the new message yet; still waiting.\n"
    "It is kept safely in Kafka until the service does."
)
UNCOMMITTED_MESSAGE = "The service has not read the message yet; it is kept safely in Kafka until it does."
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
    """`migration watch`: show the latest event of the job, then every new one."""
    async with open_event_stream(connection, request_id, from_beginning=True) as stream:
        interrupt_hint.message = NO_EVENT_MESSAGE
        tracker = RunTracker()
        if known := stream.known_event:
            tracker.accept(known)
            interrupt_hint.message = job_continues_hint(request_id)
        else:
            renderer.info(UNKNOWN_REQUEST_NOTICE)
        return await follow_to_end(stream, tracker, renderer, wait, request_id)


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
        callbacks = FollowCallbacks(
            renderer.on_event,
            lambda: renderer.info(NO_RESPONSE_NOTICE),
            lambda: renderer.info(UNCOMMITTED_NOTICE),
        )
        outcome = await follow(stream.next, tracker, callbacks, await_commit=await_commit, timeout=wait)
    match outcome:
        case Done(last, uncertainty):
            renderer.on_end(last.event)
            note_uncertainty(uncertainty, renderer)
            return exit_code_for(last.event)
        case DeadLettered():
            raise InvalidInputError(dead_letter_message(outcome))
        case WaitTimedOut(seconds, uncommitted=True):
            raise WaitTimeoutError(f"Waited {format_duration(seconds)}. {UNCOMMITTED_MESSAGE}")
        case WaitTimedOut(seconds):
            hint = job_continues_hint(request_id) if tracker.last else NO_EVENT_MESSAGE
            raise WaitTimeoutError(f"Waited {format_duration(seconds)}. {hint}")


def note_uncertainty(uncertainty: str | None, renderer: Renderer) -> None:
    """Note that the end may belong to another message with the same id, if the commit cannot be observed."""
    if uncertainty is not None:
        renderer.info(f"It cannot be checked whether the service has read what was just sent: {uncertainty}.")


def dead_letter_message(dead_letter: DeadLettered) -> str:
    """The error sentence for a message that the service published as a dead letter."""
    reason = strip_control_chars(dead_letter.reason)
    message = strip_control_chars(dead_letter.message).rstrip(".")
    return f"The service refused this ({reason}): {message}."
