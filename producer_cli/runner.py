"""Runs a command on an event loop and translates its errors into exit codes."""

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import typer

from messaging.errors import KafkaUnavailableError, TopicsMissingError
from producer_cli.errors import ExitCode, UnavailableError, UserInterruptError


@dataclass(slots=True)
class InterruptHint:
    """The sentence to print if Ctrl-C or an outage of Kafka ends the command now; may be empty."""

    message: str = ""


Work = Callable[[InterruptHint], Awaitable[ExitCode]]


def run(work: Work) -> NoReturn:
    """Run `work` and exit with its code; raises UserInterruptError, UnavailableError."""
    hint = InterruptHint()
    try:
        code = asyncio.run(_run_work(work, hint))
    except KeyboardInterrupt as error:
        raise UserInterruptError(hint.message or "Stopped.") from error
    except TopicsMissingError as error:
        raise UnavailableError(str(error)) from error
    except KafkaUnavailableError as error:
        raise UnavailableError(f"{error} {hint.message}".strip()) from error
    raise typer.Exit(code)


async def _run_work(work: Work, interrupt_hint: InterruptHint) -> ExitCode:
    return await work(interrupt_hint)


def job_continues_hint(request_id: str) -> str:
    """The hint for a command that ends while its job goes on."""
    return f"The job goes on: migration watch {shlex.quote(request_id)}"
