"""`make demo`: a workbook of 155,000 rows over HTTP, it again, a database, a Google sheet; all counted."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devstack.checkout import running_service
from devstack.demo import compare, stored
from devstack.demo.book import Book, making
from devstack.demo.command import Command, say
from devstack.demo.http_import import HttpImport
from devstack.demo.others import Other, others
from devstack.ending import end_at_sigterm
from devstack.errors import StackError
from devstack.ports import free_ports
from devstack.stack import KINDS, Stack, start


def main() -> int:
    """Run the demo; 0 only when every import reports exactly what its source holds."""
    arguments = _parser().parse_args()
    end_at_sigterm()
    began = time.monotonic()
    try:
        exact = show(arguments.rows, arguments.stack)
    except StackError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started is stopped.", file=sys.stderr)
        return 130
    print(f"\nEverything is stopped again. Took {time.monotonic() - began:.0f} seconds.")
    return 0 if exact else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=155_000, help="rows of the workbook")
    parser.add_argument(
        "--stack",
        choices=KINDS,
        default=os.environ.get("MIGRATION_STACK") or "embedded",
        help="where Kafka and Postgres come from (or MIGRATION_STACK)",
    )
    return parser


def show(rows: int, kind: str) -> bool:
    """Make the sources, start servers and service, import by the command line, compare."""
    with tempfile.TemporaryDirectory(prefix="demo-") as scratch, making(Path(scratch), rows) as book:
        say("Starting Kafka and Postgres (the first time, Kafka is fetched) …")
        with start(kind) as stack:
            say(f"Making a workbook of {rows:,} rows, a database and a spreadsheet …")
            with others(stack, Path(scratch)) as (told, rest):
                return _imported(stack, Path(scratch), told, book, rest)


def _imported(stack: Stack, folder: Path, told: Mapping[str, str], book: Book, rest: list[Other]) -> bool:
    expected = book.expected()
    say(f"  {book.path.name}, {book.path.stat().st_size / 2**20:.1f} MiB")
    environment = {**stack.env, **told, **_own(folder)}
    say("Starting the service …")
    with running_service(environment, folder / "logs"):
        command = Command(environment)
        exact = _workbook(HttpImport(environment["MIGRATION_HTTP_URL"]), stack.database_url, book, expected)
        again = _again(command, book, expected)
        return all([exact, again, *(_other(command, stack.database_url, other) for other in rest)])


def _own(folder: Path) -> dict[str, str]:
    (port,) = free_ports(1)
    inbox = folder / "inbox"
    inbox.mkdir()
    return {
        "MIGRATION_INBOX": str(inbox),
        "MIGRATION_HTTP_HOST": "127.0.0.1",
        "MIGRATION_HTTP_PORT": str(port),
        "MIGRATION_HTTP_URL": f"http://127.0.0.1:{port}",
    }


def _workbook(service: HttpImport, url: str, book: Book, expected: Mapping[str, Any]) -> bool:
    job = service.excel(book.path)
    sizes = stored.table_sizes(url)
    lines = compare.counts(expected, job)
    lines += [(f"rows in {name}", count, sizes[name]) for name, count in expected["tables"].items()]
    right_rows = [row["row"] for row in expected["rejected"]] == stored.rejected_rows(url, job["request_id"])
    exact = compare.show("workbook", lines)
    print(f"{'the right rows were rejected':<34}{'':>16}{'yes' if right_rows else 'NO':>12}")
    return exact and right_rows


def _again(command: Command, book: Book, expected: Mapping[str, Any]) -> bool:
    """The same workbook by the command line changes nothing."""
    command.start("demo-again", "excel", str(book.path), shown=f"excel {book.path.name}")
    unchanged = {**expected, "inserted": 0, "unchanged": expected["inserted"]}
    reported = command.status("demo-again")
    lines = [
        *compare.counts(unchanged, reported),
        ("unchanged", unchanged["unchanged"], reported["unchanged"]),
    ]
    return compare.show("the same workbook again", lines)


def _other(command: Command, url: str, other: Other) -> bool:
    request_id = f"demo-{other.arguments[0]}"
    command.start(request_id, *other.arguments, shown=" ".join(other.arguments))
    lines = compare.counts(other.expected, command.status(request_id))
    lines.append((f"chats tagged {other.tag}", other.expected["inserted"], stored.tagged(url, other.tag)))
    return compare.show(other.arguments[0], lines)


if __name__ == "__main__":
    sys.exit(main())
