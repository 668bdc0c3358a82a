"""Reference implementation of schema `directory`: the seven tables in memory, by their natural keys."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

RANK = {"database": 0, "google_sheets": 1, "excel": 2}
TAGS = {"database": "admin_panel", "google_sheets": "bot_registrar", "excel": "academic_group"}

University = tuple[str, str]
OrgUnit = tuple[University, str, str]
"""University, branch and faculty; `''` if there is none."""
Group = tuple[OrgUnit, int | None, str]


@dataclass
class Chat:
    """A stored chat."""

    org_unit: OrgUnit
    source: str
    name: str = ""
    external_chat_id: str = ""
    participants: int | None = None
    created_on: date | None = None
    creator_id: str = ""

    def values(self) -> tuple[Any, ...]:
        """The columns, without org unit and source."""
        return self.name, self.external_chat_id, self.participants, self.created_on, self.creator_id


@dataclass
class Directory:
    """The content of schema `directory`."""

    universities: dict[University, dict[str, str]] = field(default_factory=dict)
    branches: set[tuple[University, str]] = field(default_factory=set)
    faculties: set[tuple[University, str, str]] = field(default_factory=set)
    groups: set[Group] = field(default_factory=set)
    chats: dict[str, Chat] = field(default_factory=dict)
    chat_groups: set[tuple[str, Group]] = field(default_factory=set)
    administrators: dict[tuple[str, str], tuple[str, bool, bool]] = field(default_factory=dict)

    def start_load(self, source: str = "excel") -> "DirectoryLoad":
        """Start a load, which reads its source once from the beginning."""
        return DirectoryLoad(self, source)

    def sizes(self) -> dict[str, int]:
        """Number of rows by table."""
        return {name: len(getattr(self, name)) for name in TABLES}

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """The sorted content of each table, with natural keys for ids."""
        contents: dict[str, Iterable[tuple[Any, ...]]] = {
            "universities": (
                (*key, u["organization"], u["foiv"], u["region"], u["region_number"])
                for key, u in self.universities.items()
            ),
            "branches": ((*key, name) for key, name in self.branches),
            "faculties": ((*key, branch, name) for key, branch, name in self.faculties),
            "groups": (group_columns(group) for group in self.groups),
            "chats": (
                (url, *chat.values(), *org_unit_columns(chat.org_unit), TAGS[chat.source])
                for url, chat in self.chats.items()
            ),
            "chat_groups": ((url, *group_columns(group)) for url, group in self.chat_groups),
            "administrators": ((*key, *value) for key, value in self.administrators.items()),
        }
        return {name: sorted(content, key=repr) for name, content in contents.items()}


TABLES = ("universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators")


def org_unit_columns(org_unit: OrgUnit) -> tuple[str, str, str, str]:
    """ИНН, КПП, branch, faculty."""
    university, branch, faculty = org_unit
    return *university, branch, faculty


def group_columns(group: Group) -> tuple[Any, ...]:
    """ИНН, КПП, branch, faculty, course, name."""
    org_unit, course, name = group
    return *org_unit_columns(org_unit), course, name


class DirectoryLoad:
    """One load, with what it has seen so far."""

    def __init__(self, directory: Directory, source: str) -> None:
        self._directory, self._source = directory, source
        self.ambiguous_rows = 0
        """Rows without a КПП column whose ИНН belongs to several universities."""
        self._links: set[str] = set()
        self._administrators: set[tuple[str, str]] = set()
        self._seen_attributes: set[tuple[University, str]] = set()

    def store_row(self, row: dict[str, Any], *, has_kpp_column: bool = True) -> str:
        """Store an accepted row; returns the counter that it adds to."""
        org_unit = self._org_unit(row, has_kpp_column)
        outcome = self._chat(row, org_unit)
        if row["group"]:
            group = (org_unit, row["course"], row["group"])
            self._directory.groups.add(group)
            self._directory.chat_groups.add((row["url"], group))
        if row["phone"]:
            self._administrator(row)
        return outcome

    def _org_unit(self, row: dict[str, Any], has_kpp_column: bool) -> OrgUnit:
        university = (row["inn"], row["kpp"])
        if not has_kpp_column:
            candidates = [key for key in self._directory.universities if key[0] == row["inn"]]
            university = candidates[0] if candidates else university
            self.ambiguous_rows += len(candidates) > 1
        stored = self._directory.universities.setdefault(
            university, dict.fromkeys(("organization", "foiv", "region", "region_number"), "")
        )
        for name in stored:
            if row[name] and (university, name) not in self._seen_attributes:
                self._seen_attributes.add((university, name))
                stored[name] = row[name]
        branch, faculty = row["branch"], row["faculty"]
        if branch:
            self._directory.branches.add((university, branch))
        if faculty:
            self._directory.faculties.add((university, branch, faculty))
        return university, branch, faculty

    def _chat(self, row: dict[str, Any], org_unit: OrgUnit) -> str:
        url = row["url"]
        if url in self._links:
            return "duplicates"
        self._links.add(url)
        old = self._directory.chats.get(url)
        new = Chat(org_unit, self._source, **{name: row[name] for name in COLUMNS})
        if old is None:
            self._directory.chats[url] = new
            return "inserted"
        merged = Chat(
            _merge_org_units(old.org_unit, org_unit, row["kpp"]),
            max(old.source, self._source, key=RANK.__getitem__),
            *(
                new_value if new_value not in ("", None) else old_value
                for new_value, old_value in zip(new.values(), old.values(), strict=True)
            ),
        )
        self._directory.chats[url] = merged
        return "unchanged" if merged == old else "updated"

    def _administrator(self, row: dict[str, Any]) -> None:
        key = (row["url"], row["phone"])
        if key in self._administrators:
            return
        self._administrators.add(key)
        flags = row["add_user"], row["add_admin"]
        before = self._directory.administrators.get(key, ("", *flags))
        owner = row["owner_id"] or before[0]
        self._directory.administrators[key] = (owner, *(flags if row["knows_flags"] else before[1:]))


COLUMNS = ("name", "external_chat_id", "participants", "created_on", "creator_id")


def _merge_org_units(old: OrgUnit, new: OrgUnit, kpp: str) -> OrgUnit:
    """The org unit of a chat after a later load: all three parts change together, or none does."""
    (old_university, old_branch, _), (university, branch, faculty) = old, new
    if university[0] == old_university[0] and university != old_university and not kpp:
        return old
    is_less_precise = university == old_university and branch in ("", old_branch) and not faculty
    return old if is_less_precise else new
