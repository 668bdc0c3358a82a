"""Runs what a command does, and turns the ways it can break into sentences and exit codes."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NoReturn

import typer

from messaging.errors import KafkaUnavailable, TopicsMissing
from producer_cli.exits import Exit, Interrupted, Unreachable


@dataclass(slots=True)
class Afterword:
    """What a person who presses Ctrl-C, or loses Kafka, has to know at this moment; empty: nothing."""

    sentence: str = ""


Work = Callable[[Afterword], Awaitable[Exit]]


def run(work: Work) -> NoReturn:
    """Do the work and leave with its exit code."""
    afterword = Afterword()
    try:
        code = asyncio.run(_finished(work, afterword))
    except KeyboardInterrupt as error:
        raise Interrupted(afterword.sentence or "Stopped.") from error
    except TopicsMissing as error:
        raise Unreachable(str(error)) from error
    except KafkaUnavailable as error:
        raise Unreachable(f"{error} {afterword.sentence}".strip()) from error
    raise typer.Exit(code)


async def _finished(work: Work, afterword: Afterword) -> Exit:
    return await work(afterword)
