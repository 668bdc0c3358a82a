"""A minimal dataset: things with a word each. Postgres rejects some words."""

from collections.abc import Iterable, Mapping

from consumer.datasets.base import MergePlan, StagingTable
from consumer.store.batches import Batch

TABLES = """
create table words (word text primary key, constraint polite check (word <> 'rude'));
create table things (key text primary key, word text references words (word) deferrable,
                     amount text, constraint small check (amount::integer < 100));
"""

MERGE = MergePlan(
    create_temp_tables="""
create temp table stage_words (position bigint, word text) on commit delete rows;
create temp table stage_things (position bigint, key text, word text, amount text) on commit delete rows;
create temp table tally (inserted bigint, unchanged bigint) on commit delete rows;
""",
    staging_tables=(
        StagingTable("stage_words", ("position", "word")),
        StagingTable("stage_things", ("position", "key", "word", "amount")),
    ),
    statements=(
        "insert into words select distinct word from stage_words on conflict do nothing",
        """with new as (
             insert into things select key, word, amount from stage_things
             on conflict (key) do nothing returning key)
           insert into tally select (select count(*) from new), count(*) - (select count(*) from new)
           from stage_things""",
    ),
    counts_query="""select inserted, 0::bigint as updated, unchanged, 0::bigint as duplicates,
                           null as warnings
                    from tally""",
)
"""Counts inserted things; a key that exists is unchanged."""

RACING_MERGE = MergePlan(
    create_temp_tables=MERGE.create_temp_tables,
    staging_tables=MERGE.staging_tables,
    statements=(
        MERGE.statements[0],
        """insert into things select s.key, s.word, s.amount from stage_things s
           where not exists (select from things t where t.key = s.key) order by s.key""",
        "insert into tally select count(*), 0 from stage_things",
    ),
    counts_query=MERGE.counts_query,
)
"""Looks up keys and then inserts, as a real merge does: a key inserted concurrently is a conflict."""

Thing = tuple[int, str, str, object]
"""Position, key, word, amount."""


REJECTED_ERRORS = '[{"field": "amount", "code": "number", "message": "is no number"}]'


def make_batch(
    things: Iterable[Thing],
    *,
    rejected: Iterable[int] = (),
    warnings: Mapping[str, int] | None = None,
    errors: str = REJECTED_ERRORS,
) -> Batch:
    """The things as a validated batch; a word belongs to the first row that has it."""
    facts, words = list(things), dict[str, int]()
    for position, _, word, _ in facts:
        words.setdefault(word, position)
    refuse = list(rejected)
    sections = {
        "stage_words": "".join(f"{position}\t{word}\n" for word, position in words.items()),
        "stage_things": "".join(f"{p}\t{key}\t{word}\t{amount}\n" for p, key, word, amount in facts),
        "stage_rejected_rows": "".join(
            f'{p}\twho {p}\t{errors}\t{{"amount": "x"}}\t\\N\t\\N\n' for p in refuse
        ),
    }
    return Batch(
        last_position=max([*(thing[0] for thing in facts), *refuse], default=0),
        accepted=len(facts),
        rejected=len(refuse),
        warnings=warnings or {},
        copy_streams={name: memoryview(text.encode()) for name, text in sections.items()},
    )


def make_things(*positions: int, word: str = "kind") -> list[Thing]:
    """Valid things, one per position."""
    return [(position, f"key {position}", word, 1) for position in positions]
