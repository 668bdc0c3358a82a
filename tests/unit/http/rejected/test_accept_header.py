"""Content negotiation between JSON, CSV and XLSX by the `Accept` header."""

import pytest

from consumer.http.rejected.accept_header import preferred

JSON, CSV = "application/json", "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize(
    ("accept", "csv"),
    [
        ("text/csv", True),
        ("TEXT/CSV; charset=utf-8", True),
        ("text/csv, application/json;q=0.9", True),
        ("text/*", True),
        ("text/csv, */*;q=0.1", True),
        ("application/json", False),
        ("*/*", False),
        ("", False),
        ("nonsense", False),
        ("text/csv;q=0", False),
        ("text/csv;q=many", False),
        ("text/csv;q=0.5, application/json", False),
        ("text/csv, application/json", False),
        ("text/html, application/xhtml+xml, */*;q=0.8", False),
    ],
)
def test_csv_only_if_preferred_over_json(accept: str, csv: bool) -> None:
    assert (preferred(accept, (JSON, CSV, XLSX)) == CSV) is csv


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        (XLSX, XLSX),
        (f"{XLSX}, text/csv;q=0.9", XLSX),
        (f"{XLSX};q=0.5, text/csv;q=0.9", CSV),
        (f"{XLSX}, */*;q=0.1", XLSX),
        ("application/*", JSON),
        (f"text/csv, {XLSX}", CSV),
        (f"{XLSX};q=0", JSON),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
    ],
)
def test_first_offered_of_the_highest_weight(accept: str, media_type: str) -> None:
    assert preferred(accept, (JSON, CSV, XLSX)) == media_type
