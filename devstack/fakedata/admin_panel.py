"""A database like that of the old admin panel: a table of chats, and what an import of it must report.

`python -m devstack.fakedata.admin_panel URL --rows N` fills a database by hand.
"""

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice

import asyncpg

from devstack.fakedata.chats import ChatGenerator
from devstack.fakedata.counters import OutcomeCounter
from devstack.fakedata.expected import ExpectedChats

COLUMNS = ("id", "inn", "name", "url", "admin_phone", "source")
CREATE_TABLE = """
create table chats (
    id bigint not null, inn text, name text, url text, admin_phone text, source text,
    made_at timestamptz not null default '2022-09-01'
)
"""
COPY_BLOCK_ROWS = 5_000
"""Rows in one message of COPY."""
OTHER_SOURCE_EVERY = 50
"""After this many rows follows one of another source, which an import does not read."""


def create_chats_table(dsn: str, rows: int, seed: int, invalid_share: float = 0.02) -> ExpectedChats:
    """Create table `chats` with this many rows to import; their ids have gaps.

    Streams the rows: memory holds one block and the list of rejected ids.
    """
    with ThreadPoolExecutor(1) as executor:  # the caller may be inside an event loop
        return executor.submit(asyncio.run, _create_chats_table(dsn, rows, seed, invalid_share)).result()


def main() -> None:
    """Fill a database and print what an import of it must report as JSON."""
    parser = argparse.ArgumentParser(prog="python -m devstack.fakedata.admin_panel", description=__doc__)
    parser.add_argument(
        "url", nargs="?", default=os.environ.get("DATABASE_URL"), help="of the database; or DATABASE_URL"
    )
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.url:
        parser.error("name a database: its URL as the argument, or in DATABASE_URL")
    counts = asdict(create_chats_table(arguments.url, arguments.rows, arguments.seed))
    counts["rejected"] = len(counts["rejected"])
    print(json.dumps(counts))


async def _create_chats_table(dsn: str, rows: int, seed: int, invalid_share: float) -> ExpectedChats:
    counter = OutcomeCounter()
    generator = ChatGenerator(
        rows, seed, tag=f"a{seed}", tax_office="90", invalid_share=invalid_share, with_kpp=False
    )
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(CREATE_TABLE)
            await connection.copy_to_table("chats", source=_copy_blocks(generator, counter), columns=COLUMNS)
            await connection.execute("alter table chats add primary key (id)")
        await connection.execute("analyze chats")
    finally:
        await connection.close()
    return counter.expected()


async def _copy_blocks(generator: ChatGenerator, counter: OutcomeCounter) -> AsyncIterator[bytes]:
    lines = _copy_lines(generator, counter)
    while block := "".join(islice(lines, COPY_BLOCK_ROWS)):
        yield block.encode()


def _copy_lines(generator: ChatGenerator, counter: OutcomeCounter) -> Iterator[str]:
    """Lines of COPY text; no value holds a character that needs escaping."""
    for number, chat, outcome in generator.chats():
        id_ = 3 * number + number // 1000 * 500 + 1
        source = "admin_panel" if number % 3 else r"\N"
        yield (
            f"{id_}\t{chat.inn or _NULL}\t{chat.name or _NULL}\t{chat.url or _NULL}\t{chat.phone or _NULL}"
            f"\t{source}\n"
        )
        counter.add(id_, outcome)
        if number % OTHER_SOURCE_EVERY == 0:
            yield f"{id_ + 1}\t{chat.inn}\t{_NULL}\t{chat.url}/other\t{_NULL}\tbot_registrar\n"


_NULL = r"\N"

if __name__ == "__main__":
    main()
