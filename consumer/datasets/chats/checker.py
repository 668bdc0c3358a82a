"""Checks the chunks of one load and renders what is fit as COPY text."""

from collections.abc import Mapping, Sequence
from datetime import date

from consumer.datasets.base import REJECTS, Checked, StageTable
from consumer.datasets.chats import stages
from consumer.datasets.chats.columns import column_rules
from consumer.datasets.chats.copytext import NULL, lines, table
from consumer.datasets.chats.firsts import Firsts
from consumer.datasets.chats.flags import administrators
from consumer.datasets.chats.numbers import GroupNumbers, Numbers
from consumer.datasets.chats.reading import Reading, read
from consumer.datasets.chats.rejects import RejectLines
from consumer.datasets.chats.universities import ABOUT, Universities
from consumer.records import Chunk

Lines = Sequence[tuple[str, ...]]


class ChatChecker:
    """What one load has met so far. Numbers are of the session: skipped rows leave none behind.

    `stage` says which columns of the rows cross, `last_day` the latest date that is taken.
    """

    def __init__(self, stage: StageTable, last_day: date) -> None:
        self._stage = stage
        self._rules = column_rules(last_day)
        self._firsts = Firsts()
        self._universities = Universities()
        self._nodes = Numbers()
        self._places = GroupNumbers()
        self._rejects = RejectLines()

    def skip(self, chunk: Chunk, refused: Mapping[int, str]) -> None:
        """Take note of what stored rows were the first to say; their texts are sent anew when needed."""
        rows = read(chunk, self._rules, refused)
        self._firsts.flags(rows.texts("url"), rows.texts("phone"))
        self._news(rows)

    def check(self, chunk: Chunk, refused: Mapping[int, str]) -> Checked:
        """Apply the rules; `refused` rows are rejected and count for nothing.

        Where the records of rejected rows take much space, only of the first rows: `Checked.rows`.
        """
        rows = read(chunk, self._rules, refused)
        rejected, taken = self._rejects.of(chunk, rows.errors)
        if taken < len(chunk.positions):
            rows = read(chunk.part(0, taken), self._rules, refused)
        add_user, add_admin, unclear = administrators(rows)
        nodes, new_nodes = self._number_nodes(rows)
        places, new_places = self._number_places(rows, nodes)
        sections = {
            stages.NODES.name: lines(new_nodes),
            stages.UNIVERSITIES.name: lines(
                (rows.positions[place], nodes[place], *values) for place, values in self._news(rows)
            ),
            stages.PLACES.name: lines(new_places),
            stages.CHATS.name: self._chats(rows, nodes, places, (add_user, add_admin)),
            REJECTS.name: rejected,
        }
        return Checked(
            rows=taken,
            accepted=len(rows.positions),
            rejected=len(rows.errors),
            warnings=dict(+(rows.warnings + unclear)),
            sections={name: text for name, text in sections.items() if text},
        )

    def _number_nodes(self, rows: Reading) -> tuple[list[str], Lines]:
        keys = zip(
            rows.texts("inn"),
            rows.texts("kpp", NULL),
            rows.texts("branch"),
            rows.texts("faculty"),
            strict=True,
        )
        return self._nodes.number(rows.positions, keys)

    def _number_places(self, rows: Reading, nodes: list[str]) -> tuple[list[str], Lines]:
        if "group" not in rows.columns:
            return [NULL] * len(nodes), []
        keys = zip(nodes, rows.texts("course", NULL), rows.texts("group"), strict=True)
        return self._places.number(rows.positions, keys)

    def _news(self, rows: Reading) -> list[tuple[int, tuple[str, ...]]]:
        if rows.columns.keys().isdisjoint(ABOUT):
            return []
        keys = list(zip(rows.texts("inn"), rows.texts("kpp", NULL), strict=True))
        return self._universities.news(keys, [rows.texts(field) for field in ABOUT])

    def _chats(
        self, rows: Reading, nodes: Sequence[str], places: Sequence[str], flags: Sequence[Sequence[str]]
    ) -> bytes:
        urls, phones = rows.texts("url"), rows.texts("phone")
        first, a_first = self._firsts.flags(urls, phones)
        columns = {
            "position": rows.positions,
            "node": nodes,
            "place": places,
            "first": first,
            "a_first": a_first,
            "url": urls,
            "name": rows.texts("name"),
            "external_chat_id": rows.texts("external_chat_id"),
            "participants": rows.texts("participants", NULL),
            "created_on": rows.texts("created_on", NULL),
            "creator_id": rows.texts("creator_id"),
            "phone": phones,
            "max_id": rows.texts("owner_id"),
            "add_user": flags[0],
            "add_admin": flags[1],
        }
        return table([columns[name] for name in self._stage.columns])
