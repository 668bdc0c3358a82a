"""`migration status`: the latest status of all jobs, of those published last, or of one."""

import sys
from collections.abc import Iterable
from contextlib import aclosing
from datetime import UTC, datetime

from messaging.connection import KafkaConnection
from producer_cli.errors import ExitCode, InvalidInputError
from producer_cli.events import ReceivedEvent
from producer_cli.kafka.event_stream import latest_of_one
from producer_cli.kafka.latest_events import last_published, latest_of_all
from producer_cli.render.base import is_interactive, make_console
from producer_cli.render.jobs_table import WIDE_TERMINAL_COLUMNS, as_tsv, jobs_table
from producer_cli.render.summary import details, headline, hints, summary_table
from producer_cli.text import strip_control_chars

DEFAULT_LIMIT = 50
"""Jobs shown without --all."""


async def status_of_all(connection: KafkaConnection, as_json: bool) -> ExitCode:
    """Print the latest status of every job, one per line, as it is read; those published last come first."""
    async with aclosing(latest_of_all(connection)) as windows:
        async for received_events in windows:
            for received in received_events:
                print(received.json_line if as_json else as_tsv(received.event))
    return ExitCode.OK


async def status_of_recent(connection: KafkaConnection, as_json: bool) -> ExitCode:
    """Show the jobs published last, newest first; a note on standard error says whether there are more."""
    received_events, has_more = await last_published(connection, DEFAULT_LIMIT)
    show_all(received_events, as_json)
    if has_more:
        print(
            f"The {DEFAULT_LIMIT} jobs whose status was published last; all of them: --all.", file=sys.stderr
        )
    return ExitCode.OK


async def status_of_one(connection: KafkaConnection, request_id: str, as_json: bool) -> ExitCode:
    """Show the latest status of a job; raises InvalidInputError if it is unknown."""
    received = await latest_of_one(connection, request_id)
    if received is None:
        raise InvalidInputError(
            f"Nothing is known of request {strip_control_chars(request_id)}: the id is wrong, "
            "its last status event is older than 30 days, or no consumer has received it yet."
        )
    show_one(received, as_json)
    return ExitCode.OK


def show_one(received: ReceivedEvent, as_json: bool) -> None:
    """Print the event as JSON, or its details as a table."""
    console = make_console(sys.stdout)
    if as_json:
        print(received.json_line)
        return
    console.print(headline(received.event), soft_wrap=True)
    console.print(summary_table(details(received.event)))
    for hint in hints(received.event):
        console.print(hint, style="dim", soft_wrap=True)


def show_all(received_events: Iterable[ReceivedEvent], as_json: bool) -> None:
    """Print a table at a terminal, otherwise one job per line as JSON or tab-separated fields."""
    console = make_console(sys.stdout)
    if as_json or not is_interactive(console):
        for received in received_events:
            print(received.json_line if as_json else as_tsv(received.event))
        return
    events = [received.event for received in received_events]
    console.print(
        jobs_table(events, datetime.now(UTC), console.width >= WIDE_TERMINAL_COLUMNS)
        if events
        else "No job yet."
    )
