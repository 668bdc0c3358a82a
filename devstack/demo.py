"""`make demo`: 155,000 rows of a workbook go through Kafka into Postgres, and every count is checked."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from devstack.checkout import ROOT, running_service
from devstack.ending import end_at_sigterm
from devstack.errors import StackError
from devstack.ports import free_ports
from devstack.stack import KINDS, Stack, start

REQUEST_ID = "demo"
COUNTS = ("total", "processed", "failed", "inserted", "duplicates")

Counts = dict[str, int]


def main() -> int:
    """Run the demo; 0 only when the import reports exactly what the workbook holds."""
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
    print(f"Everything is stopped again. Took {time.monotonic() - began:.0f} seconds.")
    return 0 if exact else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack.demo", description=__doc__)
    parser.add_argument("--rows", type=int, default=155_000)
    parser.add_argument("--stack", choices=KINDS, default="embedded")
    return parser


def show(rows: int, kind: str) -> bool:
    """Make the workbook, start servers and service, import by the command line, compare."""
    with tempfile.TemporaryDirectory(prefix="demo-") as scratch, _making(Path(scratch), rows) as book:
        say("Starting Kafka and Postgres (the first time, Kafka is fetched) …")
        with start(kind) as stack:
            say(f"Making a workbook of {rows:,} rows …")
            expected = book.expected()
            say(f"  {book.path.name}, {book.path.stat().st_size / 2**20:.1f} MiB")
            environment = _environment(stack, Path(scratch))
            say("Starting the service …")
            with running_service(environment, Path(scratch) / "logs"):
                _import(book.path, environment)
                return _compare(expected, _reported(environment), asyncio.run(_stored(stack.database_url)))


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


class Book:
    """A workbook that a process of its own is making."""

    def __init__(self, path: Path, maker: subprocess.Popen[bytes]) -> None:
        self.path = path
        self._maker = maker

    def expected(self) -> dict[str, Any]:
        """What an import of it must report, when it is made; StackError when the maker failed."""
        if self._maker.wait() != 0:
            raise StackError("The workbook could not be made, see above.")
        found: dict[str, Any] = json.loads(
            self.path.with_suffix(".expected.json").read_text(encoding="utf-8")
        )
        return found


@contextmanager
def _making(folder: Path, rows: int) -> Iterator[Book]:
    path = folder / "chats.xlsx"
    command = [sys.executable, "-m", "benchmarks.workbook", str(path), "--rows", str(rows)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as maker:
        try:
            yield Book(path, maker)
        finally:
            maker.kill()


def _environment(stack: Stack, scratch: Path) -> dict[str, str]:
    (port,) = free_ports(1)
    inbox = scratch / "inbox"
    inbox.mkdir()
    return {
        **stack.env,
        "MIGRATION_INBOX": str(inbox),
        "MIGRATION_HTTP_HOST": "127.0.0.1",
        "MIGRATION_HTTP_PORT": str(port),
        "MIGRATION_HTTP_URL": f"http://127.0.0.1:{port}",
    }


def _import(workbook: Path, environment: Mapping[str, str]) -> None:
    say(f"\n$ migration start excel {workbook.name} --watch")
    arguments = ("start", "excel", str(workbook), "--request-id", REQUEST_ID, "--watch")
    done = subprocess.run(_migration(*arguments), env={**os.environ, **environment}, cwd=ROOT, check=False)
    if done.returncode != 0:
        raise StackError(f"The import did not complete: `migration start` ended with code {done.returncode}.")


def _reported(environment: Mapping[str, str]) -> dict[str, Any]:
    done = subprocess.run(
        _migration("status", REQUEST_ID, "--json"),
        env={**os.environ, **environment},
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _migration(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "producer_cli", *arguments]


async def _stored(url: str) -> dict[str, Any]:
    """Rows of each table of the dataset, and the numbers of the rejected rows."""
    import asyncpg

    tables = ("universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators")
    connection = await asyncpg.connect(url)
    try:
        counts = {
            name: await connection.fetchval(f"select count(*) from directory.{name}") for name in tables
        }
        rejected = await connection.fetch(
            "select e.row_number from migration.migration_errors e join migration.jobs j on j.id = e.job_id"
            " where j.request_id = $1 order by 1",
            REQUEST_ID,
        )
    finally:
        await connection.close()
    return {"tables": counts, "rejected": [row["row_number"] for row in rejected]}


def _compare(expected: Mapping[str, Any], reported: Mapping[str, Any], stored: Mapping[str, Any]) -> bool:
    """Print what the maker of the workbook says beside what the service says; true when all agree."""
    lines = [(name, expected[name], reported[name]) for name in COUNTS]
    codes = sorted({*expected["warnings"], *reported["warnings"]})
    lines += [
        (f"warnings: {code}", expected["warnings"].get(code, 0), reported["warnings"].get(code, 0))
        for code in codes
    ]
    lines += [
        (f"rows in {name}", count, stored["tables"][name]) for name, count in expected["tables"].items()
    ]
    print(f"\n{'':<30}{'in the workbook':>16}{'imported':>12}")
    for name, wanted, found in lines:
        print(f"{name:<30}{wanted:>16,}{found:>12,}{'' if wanted == found else '   DIFFERS'}")
    right_rows = sorted(row["row"] for row in expected["rejected"]) == stored["rejected"]
    print(f"{'the right rows were rejected':<30}{'':>16}{'yes' if right_rows else 'NO':>12}\n")
    return right_rows and all(wanted == found for _, wanted, found in lines)


if __name__ == "__main__":
    sys.exit(main())
