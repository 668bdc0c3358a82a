"""The directory in memory: the seven tables by their natural keys, one row after the other."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

RANK = {"database": 0, "google_sheets": 1, "excel": 2}
TAGS = {"database": "admin_panel", "google_sheets": "bot_registrar", "excel": "academic_group"}

University = tuple[str, str]
PlaceKey = tuple[University, str, str]
"""University, branch and faculty; `''` where there is none."""
Group = tuple[PlaceKey, int | None, str]


@dataclass
class Chat:
    """A chat as stored; `''` stands for null text."""

    place: PlaceKey
    source: str
    name: str = ""
    external_chat_id: str = ""
    participants: int | None = None
    created_on: date | None = None
    creator_id: str = ""

    def values(self) -> tuple[Any, ...]:
        """The columns, place and source apart."""
        return self.name, self.external_chat_id, self.participants, self.created_on, self.creator_id


@dataclass
class Directory:
    """Schema `directory` after some loads."""

    universities: dict[University, dict[str, str]] = field(default_factory=dict)
    branches: set[tuple[University, str]] = field(default_factory=set)
    faculties: set[tuple[University, str, str]] = field(default_factory=set)
    groups: set[Group] = field(default_factory=set)
    chats: dict[str, Chat] = field(default_factory=dict)
    chat_groups: set[tuple[str, Group]] = field(default_factory=set)
    administrators: dict[tuple[str, str], tuple[str, bool, bool]] = field(default_factory=dict)

    def start_load(self, source: str = "excel") -> "DirectoryLoad":
        """Start a load: one reading from the top."""
        return DirectoryLoad(self, source)

    def sizes(self) -> dict[str, int]:
        """Rows of each table."""
        return {name: len(getattr(self, name)) for name in TABLES}

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """The content of each table by natural keys, `''` for null text, sorted."""
        contents: dict[str, Iterable[tuple[Any, ...]]] = {
            "universities": (
                (*key, u["organization"], u["foiv"], u["region"], u["region_number"])
                for key, u in self.universities.items()
            ),
            "branches": ((*key, name) for key, name in self.branches),
            "faculties": ((*key, branch, name) for key, branch, name in self.faculties),
            "groups": (group_columns(group) for group in self.groups),
            "chats": (
                (url, *chat.values(), *place_columns(chat.place), TAGS[chat.source])
                for url, chat in self.chats.items()
            ),
            "chat_groups": ((url, *group_columns(group)) for url, group in self.chat_groups),
            "administrators": ((*key, *value) for key, value in self.administrators.items()),
        }
        return {name: sorted(content, key=repr) for name, content in contents.items()}


TABLES = ("universities", "branches", "faculties", "groups", "chats", "chat_groups", "administrators")


def place_columns(fixture: PlaceKey) -> tuple[str, str, str, str]:
    """ИНН, КПП, branch, faculty."""
    university, branch, faculty = fixture
    return *university, branch, faculty


def group_columns(group: Group) -> tuple[Any, ...]:
    """ИНН, КПП, branch, faculty, course, name."""
    place, course, name = group
    return *place_columns(place), course, name


class DirectoryLoad:
    """One load; it knows what it has seen."""

    def __init__(self, directory: Directory, source: str) -> None:
        self._directory, self._source = directory, source
        self._links: set[str] = set()
        self._administrators: set[tuple[str, str]] = set()
        self._seen_attributes: set[tuple[University, str]] = set()

    def store_row(self, row: dict[str, Any], *, has_kpp_column: bool = True) -> str:
        """Store an accepted row; which counter it goes to."""
        place = self._place(row, has_kpp_column)
        outcome = self._chat(row, place)
        if row["group"]:
            group = (place, row["course"], row["group"])
            self._directory.groups.add(group)
            self._directory.chat_groups.add((row["url"], group))
        if row["phone"]:
            self._administrator(row)
        return outcome

    def _place(self, row: dict[str, Any], has_kpp_column: bool) -> PlaceKey:
        university = (row["inn"], row["kpp"])
        if not has_kpp_column:
            known = (key for key in self._directory.universities if key[0] == row["inn"])
            university = next(known, university)
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

    def _chat(self, row: dict[str, Any], fixture: PlaceKey) -> str:
        url = row["url"]
        if url in self._links:
            return "duplicates"
        self._links.add(url)
        old = self._directory.chats.get(url)
        new = Chat(fixture, self._source, **{name: row[name] for name in COLUMNS})
        if old is None:
            self._directory.chats[url] = new
            return "inserted"
        merged = Chat(
            _merge_places(old.place, fixture, row["kpp"]),
            max(old.source, self._source, key=RANK.__getitem__),
            *(
                mine if mine not in ("", None) else theirs
                for mine, theirs in zip(new.values(), old.values(), strict=True)
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


def _merge_places(old: PlaceKey, new: PlaceKey, kpp: str) -> PlaceKey:
    """Where a later load puts a chat: all three move as one, or none does; saying less moves nothing."""
    (old_university, old_branch, _), (university, branch, faculty) = old, new
    if university[0] == old_university[0] and university != old_university and not kpp:
        return old
    says_less = university == old_university and branch in ("", old_branch) and not faculty
    return old if says_less else new
