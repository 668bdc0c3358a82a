"""Validates the chunks of one load and encodes valid rows as COPY text."""

from collections.abc import Mapping, Sequence
from datetime import date

from consumer.cells.chunks import Chunk
from consumer.datasets.base import REJECTED_ROWS, RowError, StagingTable, ValidatedBatch
from consumer.datasets.chats import staging
from consumer.datasets.chats.admin_flags import resolve_admin_flags
from consumer.datasets.chats.apply_rules import ValidatedRows, apply_rules
from consumer.datasets.chats.column_validator import column_validators
from consumer.datasets.chats.copy_text import FALSE, NULL, encode_columns, encode_rows
from consumer.datasets.chats.dedupe import (
    UNIVERSITY_FIELDS,
    FirstSeen,
    GroupNumbering,
    KeyNumbering,
    UniversityAttributes,
)
from consumer.datasets.chats.rejected_rows import RejectedRowEncoder

CopyRows = Sequence[tuple[str, ...]]


class ChatValidator:
    """Validator of one load. Numbers are those of the database session: replayed rows get none.

    `chats_table` has the columns to fill, `latest_date` is the latest date that is accepted.
    """

    def __init__(self, chats_table: StagingTable, latest_date: date) -> None:
        self._chats_table = chats_table
        self._column_validators = column_validators(latest_date)
        self._first_seen = FirstSeen()
        self._university_attributes = UniversityAttributes()
        self._org_unit_numbers = KeyNumbering()
        self._group_numbers = GroupNumbering()
        self._rejected_encoder = RejectedRowEncoder()

    def replay(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> None:
        """Mark what stored rows were the first to have; their keys are sent again when needed."""
        rows = apply_rules(chunk, self._column_validators, row_errors)
        self._first_seen.mark(rows.copy_texts("url"), rows.copy_texts("phone"))
        self._first_university_values(rows)

    def validate(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> ValidatedBatch:
        """Apply the rules; rows with one of `row_errors` are rejected whatever the rules find.

        Covers only the first rows if the records of rejected ones are large: `ValidatedBatch.row_count`.
        """
        rows, row_count, rejected = self._apply_rules(chunk, row_errors)
        add_user, add_admin, flag_warnings = resolve_admin_flags(rows)
        org_units, new_org_units = self._number_org_units(rows)
        groups, new_groups = self._number_groups(rows, org_units)
        copy_streams = {
            staging.ORG_UNITS.name: encode_rows(new_org_units),
            staging.UNIVERSITIES.name: encode_rows(
                (rows.positions[index], org_units[index], *values)
                for index, values in self._first_university_values(rows)
            ),
            staging.GROUPS.name: encode_rows(new_groups),
            staging.CHATS.name: self._encode_chats(rows, org_units, groups, (add_user, add_admin)),
            REJECTED_ROWS.name: rejected,
        }
        return ValidatedBatch(
            row_count=row_count,
            accepted=len(rows.positions),
            rejected=len(rows.errors),
            warnings=dict(+(rows.warnings + flag_warnings)),
            copy_streams={name: text for name, text in copy_streams.items() if text},
        )

    def check(self, chunk: Chunk, row_errors: Mapping[int, RowError]) -> ValidatedBatch:
        """Apply the rules as `validate` does, without the cost of encoding and numbering valid rows."""
        rows, row_count, rejected = self._apply_rules(chunk, row_errors)
        _, _, flag_warnings = resolve_admin_flags(rows)
        first_urls, _ = self._first_seen.mark(rows.copy_texts("url"), rows.copy_texts("phone"))
        return ValidatedBatch(
            row_count=row_count,
            accepted=len(rows.positions),
            rejected=len(rows.errors),
            warnings=dict(+(rows.warnings + flag_warnings)),
            copy_streams={REJECTED_ROWS.name: rejected} if rejected else {},
            duplicates=first_urls.count(FALSE),
        )

    def _apply_rules(
        self, chunk: Chunk, row_errors: Mapping[int, RowError]
    ) -> tuple[ValidatedRows, int, bytes]:
        """The first rows of the chunk, how many they are, and the rejected ones as COPY text."""
        rows = apply_rules(chunk, self._column_validators, row_errors)
        rejected, row_count = self._rejected_encoder.encode(chunk, rows.errors)
        if row_count < len(chunk.positions):
            rows = apply_rules(chunk.slice(0, row_count), self._column_validators, row_errors)
        return rows, row_count, rejected

    def _number_org_units(self, rows: ValidatedRows) -> tuple[list[str], CopyRows]:
        keys = zip(
            rows.copy_texts("inn"),
            rows.copy_texts("kpp", NULL),
            rows.copy_texts("branch"),
            rows.copy_texts("faculty"),
            strict=True,
        )
        return self._org_unit_numbers.assign(rows.positions, keys)

    def _number_groups(self, rows: ValidatedRows, org_units: list[str]) -> tuple[list[str], CopyRows]:
        if "group" not in rows.columns:
            return [NULL] * len(org_units), []
        keys = zip(org_units, rows.copy_texts("course", NULL), rows.copy_texts("group"), strict=True)
        return self._group_numbers.assign(rows.positions, keys)

    def _first_university_values(self, rows: ValidatedRows) -> list[tuple[int, tuple[str, ...]]]:
        if rows.columns.keys().isdisjoint(UNIVERSITY_FIELDS):
            return []
        keys = list(zip(rows.copy_texts("inn"), rows.copy_texts("kpp", NULL), strict=True))
        return self._university_attributes.first_values(
            keys, [rows.copy_texts(field) for field in UNIVERSITY_FIELDS]
        )

    def _encode_chats(
        self,
        rows: ValidatedRows,
        org_units: Sequence[str],
        groups: Sequence[str],
        flags: Sequence[Sequence[str]],
    ) -> bytes:
        urls, phones = rows.copy_texts("url"), rows.copy_texts("phone")
        first_urls, first_phones = self._first_seen.mark(urls, phones)
        columns = {
            "position": rows.positions,
            "org_unit": org_units,
            "study_group": groups,
            "first_url": first_urls,
            "first_phone": first_phones,
            "url": urls,
            "name": rows.copy_texts("name"),
            "external_chat_id": rows.copy_texts("external_chat_id"),
            "participants": rows.copy_texts("participants", NULL),
            "created_on": rows.copy_texts("created_on", NULL),
            "creator_id": rows.copy_texts("creator_id"),
            "phone": phones,
            "max_id": rows.copy_texts("owner_id"),
            "add_user": flags[0],
            "add_admin": flags[1],
        }
        return encode_columns([columns[name] for name in self._chats_table.columns])
