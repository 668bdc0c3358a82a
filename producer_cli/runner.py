"""Runs what a command does, and turns the ways it can break into sentences and exit codes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import typer

from messaging.errors import KafkaUnavailableError, TopicsMissingError
from producer_cli.errors import ExitCode, UnavailableError, UserInterruptError


@dataclass(slots=True)
class InterruptHint:
    """What a person who presses Ctrl-C, or loses Kafka, has to know at this moment; empty: nothing."""

    message: str = ""


Work = Callable[[InterruptHint], Awaitable[ExitCode]]


def run(work: Work) -> NoReturn:
    """Do the work and leave with its exit code."""
    afterword = InterruptHint()
    try:
        code = asyncio.run(_run_work(work, afterword))
    except KeyboardInterrupt as error:
        raise UserInterruptError(afterword.message or "Stopped.") from error
    except TopicsMissingError as error:
        raise UnavailableError(str(error)) from error
    except KafkaUnavailableError as error:
        raise UnavailableError(f"{error} {afterword.message}".strip()) from error
    raise typer.Exit(code)


async def _run_work(work: Work, interrupt_hint: InterruptHint) -> ExitCode:
    return await work(interrupt_hint)
