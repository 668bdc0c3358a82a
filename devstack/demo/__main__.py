"""`make demo`: a workbook of 155,000 rows over HTTP, it again, a database, a Google sheet; all counted."""

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
from devstack.dev_environment import running_service
from devstack.errors import StackError
from devstack.ports import free_ports
from devstack.signals import exit_on_sigterm
from devstack.stack import STACK_KINDS, Stack, start_stack


def main() -> int:
    """Run the demo; 0 only when every import reports exactly what its source holds."""
    arguments = _parser().parse_args()
    exit_on_sigterm()
    began = time.monotonic()
    try:
        exact = run_demo(arguments.rows, arguments.stack)
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
        choices=STACK_KINDS,
        default=os.environ.get("MIGRATION_STACK") or "embedded",
        help="where Kafka and Postgres come from (or MIGRATION_STACK)",
    )
    return parser


def run_demo(rows: int, kind: str) -> bool:
    """Make the sources, start servers and service, import by the command line, compare."""
    with (
        tempfile.TemporaryDirectory(prefix="demo-") as scratch,
        workbook_in_background(Path(scratch), rows) as book,
    ):
        echo("Starting Kafka and Postgres (the first time, Kafka is fetched) …")
        with start_stack(kind) as stack:
            echo(f"Making a workbook of {rows:,} rows, a database and a spreadsheet …")
            with other_sources(stack, Path(scratch)) as (told, rest):
                return _import_all(stack, Path(scratch), told, book, rest)


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
    with running_service(environment, folder / "logs"):
        command = MigrationCli(environment)
        exact = _import_workbook(
            HttpImport(environment["MIGRATION_HTTP_URL"]), stack.database_url, workbook, expected
        )
        again = _import_again(command, workbook, expected)
        return all(
            [exact, again, *(_import_other(command, stack.database_url, other) for other in other_sources)]
        )


def _service_settings(folder: Path) -> dict[str, str]:
    (port,) = free_ports(1)
    inbox = folder / "inbox"
    inbox.mkdir()
    return {
        "MIGRATION_INBOX": str(inbox),
        "MIGRATION_HTTP_HOST": "127.0.0.1",
        "MIGRATION_HTTP_PORT": str(port),
        "MIGRATION_HTTP_URL": f"http://127.0.0.1:{port}",
    }


def _import_workbook(
    service: HttpImport, url: str, workbook: BackgroundWorkbook, expected: Mapping[str, Any]
) -> bool:
    job = service.import_workbook(workbook.path)
    sizes = db_counts.table_sizes(url)
    lines = compare.compare_counts(expected, job)
    lines += [(f"rows in {name}", count, sizes[name]) for name, count in expected["tables"].items()]
    right_rows = [row["row"] for row in expected["rejected"]] == db_counts.rejected_rows(
        url, job["request_id"]
    )
    exact = compare.print_table("workbook", lines)
    print(f"{'the right rows were rejected':<34}{'':>16}{'yes' if right_rows else 'NO':>12}")
    return exact and right_rows


def _import_again(cli: MigrationCli, workbook: BackgroundWorkbook, expected: Mapping[str, Any]) -> bool:
    """The same workbook by the command line changes nothing."""
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
    lines.append(
        (
            f"chats tagged {source.source_tag}",
            source.expected["inserted"],
            db_counts.chats_with_source(url, source.source_tag),
        )
    )
    return compare.print_table(source.arguments[0], lines)


if __name__ == "__main__":
    sys.exit(main())
