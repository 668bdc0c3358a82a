"""The bare load we are measured against: polars reads the sheet, ADBC copies it into one untyped table.

A process of its own, so that its memory is its own: `python -m benchmarks.baseline_xlsx FILE`, DATABASE_URL in
the environment; one line of JSON on standard output. Imports and connecting are not in the time.
"""

import json
import os
import sys
import time
from pathlib import Path

import polars
from adbc_driver_postgresql import dbapi

TABLE = "bare_load"


def load_workbook(workbook: Path, dsn: str) -> dict[str, float]:
    """Load the first sheet into a table made anew; seconds of reading, of copying, and of both."""
    with dbapi.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop table if exists {TABLE}")
        connection.commit()
        begun = time.perf_counter()
        frame = polars.read_excel(workbook, engine="calamine", infer_schema_length=0)
        read = time.perf_counter()
        cursor.adbc_ingest(TABLE, frame.to_arrow(), mode="create")
        connection.commit()
        done = time.perf_counter()
    return {"rows": frame.height, "read": read - begun, "copy": done - read, "seconds": done - begun}


if __name__ == "__main__":
    print(json.dumps(load_workbook(Path(sys.argv[1]), os.environ["DATABASE_URL"])))
