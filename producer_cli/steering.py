"""`migration cancel` and `migration retry`: a command to a job, and the answer to it."""

import shlex

from messaging.connection import KafkaConnection
from messaging.topics import ensure_topics
from producer_cli.events import Fold, Sighting
from producer_cli.exits import Exit, WrongInput
from producer_cli.follow import Reached, Refusal, TimedOut, Watcher, follow
from producer_cli.listening import Listening, listening
from producer_cli.publishing import publish, the_job_goes_on
from producer_cli.requests import outgoing
from producer_cli.run import Afterword
from producer_cli.screens import Screen
from producer_cli.watching import refused, show_to_the_end, tell
from schemas.requests import CancelRequest, RetryRequest
from schemas.topics import DEAD_LETTERS, REQUESTS, STATUS

Command = CancelRequest | RetryRequest

AGAIN = "The same command can be given again without harm."
USED = (REQUESTS, STATUS, DEAD_LETTERS)
"""A topic that the caller may not see would look as if it were missing."""
ANSWER_SECONDS = 5.0
"""How long one who does not watch waits for the answer: a running job is cancelled within a second."""


async def steer(
    connection: KafkaConnection,
    request: Command,
    screen: Screen,
    watch: bool,
    wait: float | None,
    afterword: Afterword,
) -> Exit:
    """Publish the command; follow the job, or wait for the answer only."""
    afterword.sentence = "Nothing was asked for."
    await ensure_topics(connection, USED)
    message = outgoing(request)
    async with listening(connection, request.request_id, past=True, own=message.value) as heard:
        known = heard.known
        heard.ask_after(await publish(connection, message, AGAIN, afterword))
        afterword.sentence = the_job_goes_on(request.request_id)
        if watch and not nothing_to_cancel(request, known):
            fold = awaited(request, known)
            return await show_to_the_end(heard, fold, screen, wait, request.request_id, published=True)
        await answer(heard, request, known, screen)
    return Exit.OK


def nothing_to_cancel(request: Command, known: Sighting | None) -> bool:
    """Whether the job, as far as we know, has ended before the command."""
    return isinstance(request, CancelRequest) and known is not None and known.event.status.terminal


def awaited(request: Command, known: Sighting | None) -> Fold:
    """What counts as news after the command."""
    if isinstance(request, RetryRequest):
        return Fold.for_next_run(known)
    return Fold(known.event.sequence) if known else Fold()


async def answer(heard: Listening, request: Command, known: Sighting | None, screen: Screen) -> None:
    """Wait a little for the answer and tell it; no answer is no harm."""
    until = Fold.begun if isinstance(request, RetryRequest) else Fold.end
    nobody = Watcher(lambda _: None, lambda: None)
    fold = awaited(request, known)
    outcome = await follow(heard.next, fold, nobody, until=until, published=True, limit=ANSWER_SECONDS)
    match outcome:
        case Reached(last, doubt):
            screen.show(last)
            tell(doubt, screen)
        case Refusal() if known and nothing_to_cancel(request, known):
            raise WrongInput(f"There is nothing to cancel: the job has {known.event.status} already.")
        case Refusal():
            raise WrongInput(refused(outcome))
        case TimedOut():
            name = shlex.quote(request.request_id)
            screen.note(f"No answer yet; the command is kept safely in Kafka. See: migration status {name}")
