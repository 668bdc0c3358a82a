"""From a session to rows that can be read: the table counted, and compared with an attempt before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from consumer.datasets.base import Relation
from consumer.records import Chunk
from consumer.sources.base import Opened, Reading
from consumer.sources.database import load as loads
from consumer.sources.database import pages
from consumer.sources.database.connect import Session
from consumer.sources.database.count import count
from consumer.sources.database.digest import Digest
from consumer.sources.database.load import Load
from consumer.sources.database.pages import Stretch, page
from consumer.sources.database.table import Table
from schemas.codes import WarningCode


@dataclass(frozen=True, slots=True)
class Standing:
    """What is to be read. Rows up to `checkpoint` are stored; `changed`: a load before was not whole.

    `digest` is of what is stored, and grows with the rest.
    """

    table: Table
    relation: Relation
    load: Load
    digest: Digest
    checkpoint: int | None = None
    changed: bool = False

    def opened(self) -> Opened:
        """What is told of it."""
        warnings: dict[str, int] = {WarningCode.SOURCE_CHANGED: 1} if self.changed else {}
        fingerprint = self.load.fingerprint(self.table)
        return Opened(fingerprint, warnings, self.load.as_state(), pages.columns(self.relation))

    def hand_out(self, chunk: Chunk) -> None:
        """Note rows that are handed out for the first time."""
        if self.checkpoint is None or chunk.positions[0] > self.checkpoint:
            self.digest.add(chunk)

    def stretches(self) -> Iterator[Stretch]:
        """First what is stored, identity alone; then the rest."""
        if self.checkpoint is not None:
            yield known(self.relation, self.checkpoint)
        yield Stretch(self.checkpoint, self.load.highest, tuple(self.relation.columns))


async def stand(session: Session, table: Table, relation: Relation, reading: Reading) -> Standing:
    """Go on with the load of an earlier attempt where its rows are all there; else begin one.

    Raises PermanentError: `no_rows`, `wrong_key`, `source_changed`.
    """
    before = loads.earlier(table, reading)
    if before is not None:
        found = await count(session, table, relation, before.highest, reading.checkpoint)
        if loads.is_whole(before, found, reading):
            stored = await _stored(session, table, relation, reading)
            if loads.is_unchanged(before, stored):
                return Standing(table, relation, before, stored, reading.checkpoint)
    found = await count(session, table, relation)
    load = loads.first(table, found) if before is None else loads.anew(before, found, table, reading)
    return Standing(table, relation, load, Digest(relation.identity), changed=before is not None)


async def _stored(session: Session, table: Table, relation: Relation, reading: Reading) -> Digest:
    """What stands for the rows up to the checkpoint as they are now; they are read for this alone."""
    digest = Digest(relation.identity)
    if reading.checkpoint is not None:
        stretch = known(relation, reading.checkpoint)
        while chunk := await page(session, table, relation, stretch, reading.chunk_rows):
            digest.add(chunk)
            stretch = replace(stretch, after=digest.upto)
    return digest


def known(relation: Relation, checkpoint: int) -> Stretch:
    """What is stored, identity alone."""
    return Stretch(None, checkpoint, relation.identity)
