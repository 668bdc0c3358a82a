"""The old admin panel's database: a table of chats, and what an import of it must report.

`python -m devstack.fakedata.admin_panel ADDRESS --rows N` fills a database by hand.
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

from devstack.fakedata.chats import ChatGenerator, ExpectedCounts, OutcomeCounter

COLUMNS = ("id", "inn", "name", "url", "admin_phone", "source")
CREATE_TABLE = """
create table chats (
    id bigint not null, inn text, name text, url text, admin_phone text, source text,
    made_at timestamptz not null default '2022-09-01'
)
"""
COPY_BLOCK_ROWS = 5_000
"""Rows sent at once."""
OTHER_SOURCE_EVERY = 50
"""After so many rows comes one of another source, which does not count."""


def create_chats_table(dsn: str, rows: int, seed: int, invalid_share: float = 0.02) -> ExpectedCounts:
    """Make table `chats` with so many rows that count, in ids with gaps; `wrong` is a share.

    Takes the memory of one block and of the list of rejected ids, however many rows there are.
    """
    with ThreadPoolExecutor(1) as apart:  # the caller may have an event loop of its own
        return apart.submit(asyncio.run, _create_chats_table(dsn, rows, seed, invalid_share)).result()


def main() -> None:
    """Fill a database and print what an import of it must report."""
    parser = argparse.ArgumentParser(prog="python -m devstack.fakedata.admin_panel", description=__doc__)
    parser.add_argument("address", nargs="?", default=os.environ.get("DATABASE_URL"), help="or DATABASE_URL")
    parser.add_argument("--rows", type=int, default=6_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.address:
        parser.error("name a database: its address as the argument, or in DATABASE_URL")
    counts = asdict(create_chats_table(arguments.address, arguments.rows, arguments.seed))
    counts["rejected"] = len(counts["rejected"])
    print(json.dumps(counts))


async def _create_chats_table(dsn: str, rows: int, seed: int, invalid_share: float) -> ExpectedCounts:
    tally = OutcomeCounter()
    maker = ChatGenerator(
        rows, seed, tag=f"a{seed}", tax_office="90", invalid_share=invalid_share, with_kpp=False
    )
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(CREATE_TABLE)
            await connection.copy_to_table("chats", source=_copy_blocks(maker, tally), columns=COLUMNS)
            await connection.execute("alter table chats add primary key (id)")
        await connection.execute("analyze chats")
    finally:
        await connection.close()
    return tally.expected()


async def _copy_blocks(generator: ChatGenerator, counter: OutcomeCounter) -> AsyncIterator[bytes]:
    lines = _copy_lines(generator, counter)
    while block := "".join(islice(lines, COPY_BLOCK_ROWS)):
        yield block.encode()


def _copy_lines(generator: ChatGenerator, counter: OutcomeCounter) -> Iterator[str]:
    """Lines of COPY text; no value holds anything that must be escaped."""
    for number, chat, fate in generator.chats():
        id_ = 3 * number + number // 1000 * 500 + 1
        source = "admin_panel" if number % 3 else r"\N"
        yield (
            f"{id_}\t{chat.inn or _NULL}\t{chat.name or _NULL}\t{chat.url or _NULL}\t{chat.phone or _NULL}"
            f"\t{source}\n"
        )
        counter.add(id_, fate)
        if number % OTHER_SOURCE_EVERY == 0:
            yield f"{id_ + 1}\t{chat.inn}\t{_NULL}\t{chat.url}/other\t{_NULL}\tbot_registrar\n"


_NULL = r"\N"

if __name__ == "__main__":
    main()
