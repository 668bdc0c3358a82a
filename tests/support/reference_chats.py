"""What schema `directory` holds after some loads, said slowly: dictionaries, and one row after the other."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from tests.support.reference_values import PARSERS, RejectedValueError

TAGS = {"database": "admin_panel", "google_sheets": "bot_registrar", "excel": "academic_group"}
TAGS_BY_RANK = ["admin_panel", "bot_registrar", "academic_group"]

Row = dict[str, object]
ParsedRow = dict[str, Any]


@dataclass
class ReferenceOutcome:
    """What came of one load; `rejected_rows` holds the index of each wrong row with its wrong fields, sorted."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicates: int = 0
    rejected_rows: dict[int, list[str]] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)

    def counts(self) -> tuple[int, int, int, int]:
        return self.inserted, self.updated, self.unchanged, self.duplicates


class ReferenceDirectory:
    """Loads follow one another; rows of one load have the same columns."""

    def __init__(self) -> None:
        self.universities: dict[tuple[str, str], dict[str, str]] = {}
        self.branches: set[tuple[Any, ...]] = set()
        self.faculties: set[tuple[Any, ...]] = set()
        self.groups: set[tuple[Any, ...]] = set()
        self.chats: dict[str, dict[str, Any]] = {}
        self.chat_groups: set[tuple[Any, ...]] = set()
        self.administrators: dict[tuple[str, str], dict[str, Any]] = {}

    def load(
        self, rows: list[Row], source_type: str, refused: frozenset[int] = frozenset()
    ) -> ReferenceOutcome:
        """Rows in order; `refused` are indexes of rows that the database would not have."""
        outcome, load = ReferenceOutcome(), _ReferenceLoad(self, TAGS[source_type])
        for index, row in enumerate(rows):
            warnings: Counter[str] = Counter()
            meaning, wrong = parse_row(row, warnings)
            if wrong or index in refused:
                outcome.rejected_rows[index] = sorted(wrong)
                continue
            outcome.warnings += warnings
            load.row(meaning, outcome)
        return outcome

    def tables(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every table by natural keys (university as ИНН, КПП; no branch or faculty as ''), sorted."""
        return {
            "universities": _sorted((*key, *about.values()) for key, about in self.universities.items()),
            "branches": _sorted(self.branches),
            "faculties": _sorted(self.faculties),
            "groups": _sorted(self.groups),
            "chats": _sorted((url, *_flat(chat)) for url, chat in self.chats.items()),
            "chat_groups": _sorted(self.chat_groups),
            "administrators": _sorted((*key, *who.values()) for key, who in self.administrators.items()),
        }


def parse_row(row: Row, warnings: Counter[str]) -> tuple[ParsedRow, list[str]]:
    """The meaning of a row by field, and its wrong fields."""
    meaning: ParsedRow = {}
    wrong = []
    for name, rule in PARSERS.items():
        try:
            meaning[name] = rule(row.get(name), warnings)
        except RejectedValueError:
            wrong.append(name)
    user, admin = meaning["add_user"], meaning["add_admin"]
    if (user is None) != (admin is None) and "add_user" in row and "add_admin" in row:
        warnings["flag"] += 1
    meaning["knows_flags"] = "add_user" in row or "add_admin" in row
    meaning["knows_kpp"] = "kpp" in row
    if user is None and admin is None:
        user = admin = True
    meaning["add_user"], meaning["add_admin"] = bool(user), bool(admin)
    return meaning, wrong


class _ReferenceLoad:
    def __init__(self, directory: ReferenceDirectory, tag: str) -> None:
        self.directory, self.tag = directory, tag
        self.links: set[str] = set()
        self.administrators: set[tuple[str, str]] = set()
        self.seen_attributes: set[tuple[tuple[str, str], str]] = set()

    def row(self, row: ParsedRow, outcome: ReferenceOutcome) -> None:
        university = self.university(row, outcome)
        place = (*university, row["branch"], row["faculty"])
        if row["branch"]:
            self.directory.branches.add((*university, row["branch"]))
        if row["faculty"]:
            self.directory.faculties.add(place)
        kind = self.chat(row, place)
        setattr(outcome, kind, getattr(outcome, kind) + 1)
        if row["group"]:
            group = (*place, row["course"], row["group"])
            self.directory.groups.add(group)
            self.directory.chat_groups.add((row["url"], *group))
        if row["phone"]:
            self.administrator(row)

    def university(self, row: ParsedRow, outcome: ReferenceOutcome) -> tuple[str, str]:
        key = (row["inn"], row["kpp"])
        if not row["knows_kpp"]:
            candidates = [known for known in self.directory.universities if known[0] == row["inn"]]
            key = candidates[0] if candidates else key
            outcome.warnings["inn_ambiguous"] += len(candidates) > 1
        stored = self.directory.universities.setdefault(
            key, {"organization": "", "foiv": "", "region": "", "region_number": ""}
        )
        for name in stored:
            if row[name] and (key, name) not in self.seen_attributes:
                self.seen_attributes.add((key, name))
                stored[name] = row[name]
        return key

    def chat(self, row: ParsedRow, place: tuple[str, ...]) -> str:
        if row["url"] in self.links:
            return "duplicates"
        self.links.add(row["url"])
        values = {name: row[name] for name in COLUMNS}
        stored = self.directory.chats.get(row["url"])
        if stored is None:
            self.directory.chats[row["url"]] = {**values, "place": place, "source": self.tag}
            return "inserted"
        before = dict(stored)
        for name, value in values.items():
            if value not in ("", None):
                stored[name] = value
        if self.place_changes(row, stored["place"], place):
            stored["place"] = place
        if TAGS_BY_RANK.index(self.tag) > TAGS_BY_RANK.index(stored["source"]):
            stored["source"] = self.tag
        return "unchanged" if stored == before else "updated"

    def place_changes(self, row: ParsedRow, old: tuple[str, ...], new: tuple[str, ...]) -> bool:
        if old[:2] != new[:2]:
            return not (old[0] == new[0] and not row["kpp"])
        says_nothing_else = new[2] in ("", old[2]) and (new[3] == "" or new[2:] == old[2:])
        return not says_nothing_else

    def administrator(self, row: ParsedRow) -> None:
        key = (row["url"], row["phone"])
        if key in self.administrators:
            return
        self.administrators.add(key)
        flags = {"add_user": row["add_user"], "add_admin": row["add_admin"]}
        stored = self.directory.administrators.setdefault(key, {"max_id": "", **flags})
        stored["max_id"] = row["owner_id"] or stored["max_id"]
        if row["knows_flags"]:
            stored.update(flags)


COLUMNS = ("name", "external_chat_id", "participants", "created_on", "creator_id")


def _flat(chat: dict[str, Any]) -> tuple[Any, ...]:
    return (*(chat[name] for name in COLUMNS), *chat["place"], chat["source"])


def _sorted(rows: Any) -> list[tuple[Any, ...]]:
    return sorted(rows, key=repr)
