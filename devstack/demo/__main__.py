"""`make demo`: imports a workbook (twice), a database and a Google sheet, and compares all counts."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devstack.demo import compare, db_counts
from devstack.demo.background_workbook import BackgroundWorkbook, workbook_in_background
from devstack.demo.cli import MigrationCli, echo
from devstack.demo.http_import import HttpImport
from devstack.demo.other_sources import DemoSource, other_sources
from devstack.errors import StackError
from devstack.service import loopback_settings, watched_service
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack
from devstack.stack_kinds import STACK_KINDS, start_stack

NEXT_STEP = (
    "To see imports on the page of the service, in a browser: `make up` starts it, leaves it running, "
    "and prints its address."
)
"""The servers of the demo are stopped at its end, so their page cannot be opened any more."""


def main() -> int:
    """Run the demo; 0 when every import reports exactly what its source holds, else 1 or 130."""
    arguments = _parser().parse_args()
    exit_on_sigterm()
    started = time.monotonic()
    try:
        exact = run_demo(arguments.rows, arguments.stack)
    except StackError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ndemo: interrupted; everything it started is stopped.", file=sys.stderr)
        return 130
    print(f"\nEverything is stopped again. Took {time.monotonic() - started:.0f} seconds.\n{NEXT_STEP}")
    return 0 if exact else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=155_000, help="rows of the workbook")
    parser.add_argument(
        "--stack",
        choices=STACK_KINDS,
        default=os.environ.get("MIGRATION_STACK") or "embedded",
        help="where Kafka and Postgres come from (or MIGRATION_STACK)",
    )
    return parser


def run_demo(rows: int, kind: str) -> bool:
    """Generate the sources, start servers and service, import, compare; whether all counts agree."""
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as scratch,
        workbook_in_background(Path(scratch), rows) as workbook,
    ):
        echo("Starting Kafka and Postgres (the first time, Kafka is downloaded) …")
        with start_stack(kind) as stack:
            echo(f"Generating a workbook of {rows:,} rows, a database and a spreadsheet …")
            with other_sources(stack, Path(scratch)) as (settings, others):
                return _import_all(stack, Path(scratch), settings, workbook, others)


def _import_all(
    stack: Stack,
    folder: Path,
    source_settings: Mapping[str, str],
    workbook: BackgroundWorkbook,
    other_sources: list[DemoSource],
) -> bool:
    expected = workbook.expected()
    echo(f"  {workbook.path.name}, {workbook.path.stat().st_size / 2**20:.1f} MiB")
    environment = {**stack.env, **source_settings, **_service_settings(folder)}
    echo("Starting the service …")
    echo(f"  Its page, until the demo ends: {environment['MIGRATION_HTTP_URL']}")
    with watched_service(environment, folder / "logs" / "consumer.log"):
        cli = MigrationCli(environment)
        exact = _import_workbook(
            HttpImport(environment["MIGRATION_HTTP_URL"]), stack.database_url, workbook, expected
        )
        again = _import_again(cli, workbook, expected)
        others = [_import_other(cli, stack.database_url, other) for other in other_sources]
        return all([exact, again, *others])


def _service_settings(folder: Path) -> dict[str, str]:
    inbox = folder / "inbox"
    inbox.mkdir()
    http = loopback_settings()
    url = f"http://127.0.0.1:{http['MIGRATION_HTTP_PORT']}"
    return {"MIGRATION_INBOX": str(inbox), **http, "MIGRATION_HTTP_URL": url}


def _import_workbook(
    service: HttpImport, url: str, workbook: BackgroundWorkbook, expected: Mapping[str, Any]
) -> bool:
    job = service.import_workbook(workbook.path)
    sizes = db_counts.table_sizes(url)
    lines = compare.compare_counts(expected, job)
    lines += [(f"rows in {name}", count, sizes[name]) for name, count in expected["tables"].items()]
    expected_rows = [row["row"] for row in expected["rejected"]]
    same_rejected = expected_rows == db_counts.rejected_rows(url, job["request_id"])
    exact = compare.print_table("workbook", lines)
    print(f"{'the right rows were rejected':<34}{'':>16}{'yes' if same_rejected else 'NO':>12}")
    return exact and same_rejected


def _import_again(cli: MigrationCli, workbook: BackgroundWorkbook, expected: Mapping[str, Any]) -> bool:
    """Import the same workbook by the command line: every row must be reported as unchanged."""
    cli.start("demo-again", "excel", str(workbook.path), shown_source=f"excel {workbook.path.name}")
    unchanged = {**expected, "inserted": 0, "unchanged": expected["inserted"]}
    reported = cli.status("demo-again")
    lines = [
        *compare.compare_counts(unchanged, reported),
        ("unchanged", unchanged["unchanged"], reported["unchanged"]),
    ]
    return compare.print_table("the same workbook again", lines)


def _import_other(cli: MigrationCli, url: str, source: DemoSource) -> bool:
    request_id = f"demo-{source.arguments[0]}"
    cli.start(request_id, *source.arguments, shown_source=" ".join(source.arguments))
    lines = compare.compare_counts(source.expected, cli.status(request_id))
    tagged = db_counts.chats_with_source(url, source.source_tag)
    lines.append((f"chats tagged {source.source_tag}", source.expected["inserted"], tagged))
    return compare.print_table(source.arguments[0], lines)


if __name__ == "__main__":
    sys.exit(main())
