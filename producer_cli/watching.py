"""Shows a job as it goes on, until it ends, is refused, or nobody wants to wait any longer."""

from messaging.connection import KafkaConnection
from producer_cli.events import Fold, exit_of
from producer_cli.exits import CliError, Exit, WrongInput
from producer_cli.follow import Reached, Refusal, TimedOut, Watcher, follow
from producer_cli.listening import Listening, listening
from producer_cli.publishing import the_job_goes_on
from producer_cli.run import Afterword
from producer_cli.screens import Screen
from producer_cli.words import duration, plain

SILENT = "No consumer has answered yet; still waiting.\nThe request is kept safely in Kafka until one does."
NO_NEWS = "Nothing has been heard of the request; if it was sent, it is kept safely in Kafka."
UNREAD = (
    "This request id came to an end, but the service has not read yet what was just sent; still waiting.\n"
    "It is kept safely in Kafka until the service does."
)
NOT_READ = "The service has not read what was sent; it is kept safely in Kafka until it does."
UNKNOWN = "Nothing is known of this request yet; waiting for its first event …"


class WaitedLongEnough(CliError):
    """The job outlived the patience of who asked."""

    code = Exit.TIMED_OUT


async def watch(
    connection: KafkaConnection, request_id: str, screen: Screen, wait: float | None, afterword: Afterword
) -> Exit:
    """`migration watch`: the job as it is now, then every change."""
    async with listening(connection, request_id, past=True) as heard:
        afterword.sentence = NO_NEWS
        fold = Fold()
        if known := heard.known:
            fold.take(known)
            afterword.sentence = the_job_goes_on(request_id)
        else:
            screen.note(UNKNOWN)
        return await show_to_the_end(heard, fold, screen, wait, request_id)


async def show_to_the_end(
    heard: Listening, fold: Fold, screen: Screen, wait: float | None, request_id: str, published: bool = False
) -> Exit:
    """Follow, tell the end, and say with which exit code to leave.

    With `published` the end is told only when the service has read what was asked after.
    """
    with screen.following():
        if fold.last:
            screen.show(fold.last)
        watcher = Watcher(screen.show, lambda: screen.note(SILENT), lambda: screen.note(UNREAD))
        outcome = await follow(heard.next, fold, watcher, published=published, limit=wait)
    match outcome:
        case Reached(last, doubt):
            screen.end(last.event)
            tell(doubt, screen)
            return exit_of(last.event)
        case Refusal():
            raise WrongInput(refused(outcome))
        case TimedOut(seconds, unread=True):
            raise WaitedLongEnough(f"Waited {duration(seconds)}. {NOT_READ}")
        case TimedOut(seconds):
            news = the_job_goes_on(request_id) if fold.last else NO_NEWS
            raise WaitedLongEnough(f"Waited {duration(seconds)}. {news}")


def tell(doubt: str | None, screen: Screen) -> None:
    """Say that the end may be that of another message with the same id, where that cannot be seen."""
    if doubt is not None:
        screen.note(f"Whether the service has read what was just sent cannot be seen: {doubt}.")


def refused(refusal: Refusal) -> str:
    """The sentence for a request that went to the dead letters."""
    return f"The service refused this ({plain(refusal.reason)}): {plain(refusal.message).rstrip('.')}."
