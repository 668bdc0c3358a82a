"""The baseline of a workbook: polars reads the sheet, ADBC copies it into one table of text columns.

Runs as a process, so that its memory can be measured: `python -m benchmarks.baseline_xlsx FILE` with
DATABASE_URL in the environment. Prints one line of JSON; the time excludes imports and connecting.
"""

import json
import os
import sys
import time
from pathlib import Path

import polars
from adbc_driver_postgresql import dbapi

TABLE = "baseline_xlsx"


def load_workbook(workbook: Path, dsn: str) -> dict[str, float]:
    """Load the first sheet into a new table; returns rows, and seconds of reading, copying, and both."""
    with dbapi.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {TABLE}")
        connection.commit()
        started = time.perf_counter()
        frame = polars.read_excel(workbook, engine="calamine", infer_schema_length=0)
        read_at = time.perf_counter()
        cursor.adbc_ingest(TABLE, frame.to_arrow(), mode="create")
        connection.commit()
        copied_at = time.perf_counter()
    return {
        "rows": frame.height,
        "read": read_at - started,
        "copy": copied_at - read_at,
        "seconds": copied_at - started,
    }


if __name__ == "__main__":
    print(json.dumps(load_workbook(Path(sys.argv[1]), os.environ["DATABASE_URL"])))
