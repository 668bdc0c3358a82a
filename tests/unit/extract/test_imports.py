"""A child process starts quickly: it imports neither pydantic nor what only the service needs."""

import subprocess
import sys

MODULES = (
    "consumer.extract.__main__",
    "consumer.sources.excel.source",
    "consumer.sources.database.source",
    "consumer.sources.google_sheets.source",
    "consumer.datasets.chats.dataset",
)
NOT_NEEDED = {"pydantic", "aiokafka", "fastapi", "structlog", "prometheus_client"}


def test_child_imports_only_what_it_needs() -> None:
    script = f"import sys; import {', '.join(MODULES)}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert NOT_NEEDED & set(run.stdout.split()) == set()
