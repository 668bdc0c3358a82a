"""The columns of a workbook of rejected rows."""

from collections.abc import Sequence

from consumer.rejected_file.layout import MAX_SOURCE_COLUMNS
from consumer.store.source_columns import StoredColumn


def workbook_columns(stored: Sequence[StoredColumn], in_records: Sequence[str]) -> list[str]:
    """Names of the columns: those of the source in its order, then others that are in records.

    A column that is neither imported nor has a header nor occurs in a record is left out, and so are columns
    that are not imported beyond MAX_SOURCE_COLUMNS.
    """
    found = set(in_records)
    names = [each.name for each in stored if each.field or each.has_header or each.name in found]
    known = set(names)
    names += [name for name in in_records if name not in known]
    return _within_limit(names, {each.name for each in stored if each.field})


def _within_limit(names: list[str], imported: set[str]) -> list[str]:
    excess = len(names) - MAX_SOURCE_COLUMNS
    if excess <= 0:
        return names
    dropped = set([name for name in names if name not in imported][-excess:])
    return [name for name in names if name not in dropped]
