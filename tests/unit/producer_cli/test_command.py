"""The command in its own process, without Kafka and service."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.version import VERSION
from tests.unit.producer_cli.run_cli import ROOT, broken_pipe, run_cli, run_cli_to

COMMANDS = (
    ("start", "excel"),
    ("start", "database"),
    ("start", "google-sheets"),
    ("status",),
    ("watch",),
    ("cancel",),
    ("retry",),
    ("errors",),
    ("template",),
    ("correct",),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_each_command_has_help_with_examples(command: tuple[str, ...], tmp_path: Path) -> None:
    answer = run_cli(*command, "--help", cwd=tmp_path)
    assert answer.returncode == 0
    assert "Examples:" in answer.stdout
    assert f"\n    migration {' '.join(command)}" in answer.stdout


def test_help_imports_no_heavy_modules(tmp_path: Path) -> None:
    heavy = ("aiokafka", "httpx", "pydantic", "rich", "schemas", "messaging")
    script = f"import sys; from producer_cli.app import build; build(); print(sys.modules.keys() & {heavy!r})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "set()\n"


def test_version_is_printed(tmp_path: Path) -> None:
    assert run_cli("--version", cwd=tmp_path).stdout == f"migration {VERSION}\n"


def test_shell_completes_commands(tmp_path: Path) -> None:
    environment = {"_MIGRATION_COMPLETE": "complete_bash", "COMP_WORDS": "migration st", "COMP_CWORD": "1"}
    assert run_cli(cwd=tmp_path, **environment).stdout.split() == ["start", "status"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Usage"),
        (("bogus",), "No such command"),
        (("start", "excel"), "Name either a local FILE"),
        (("start", "excel", "--path", "a.xlsx", "--column", "url"), "HEADER=FIELD"),
        (("start", "excel", "--path", "a.xlsx", "--column", "MAX=URL!"), "--column: "),
        (("start", "excel", "a.xlsx", "--path", "b.xlsx"), "Name either a local FILE"),
        (("start", "excel", "missing.xlsx"), "There is no file missing.xlsx"),
        (("start", "database", "admin_panel", "--timeout", "0"), "--timeout"),
        (("start", "database", "admin panel"), "NAME"),
        (("start", "google-sheets", "https://example.org/x"), "not a link of a Google spreadsheet"),
        (("cancel", " x"), "REQUEST_ID"),
        (
            ("correct", "r-1", str(ROOT / "pyproject.toml"), "--max-rejected", "many"),
            "--max-rejected: must be a whole",
        ),
        (("watch", "bad\udcff"), "REQUEST_ID"),
        (("status",), "set KAFKA_BOOTSTRAP_SERVERS"),
        (("errors", "x", "--csv", "-", "--limit", "3"), "leave --json and --limit out"),
        (("errors", "x", "--csv", "rejected.csv", "--json"), "leave --json and --limit out"),
    ],
)
def test_usage_error_is_one_sentence_and_exit_code_2(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    kafka = {} if arguments == ("status",) else {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    answer = run_cli(*arguments, cwd=tmp_path, **kafka)
    assert answer.returncode == 2
    assert words in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("status", "KAFKA_BOOTSTRAP_SERVERS", "host:abc"),
        ("status", "KAFKA_SASL_MECHANISM", "FOO"),
        ("errors", "MIGRATION_HTTP_URL", "http://h:abc"),
        ("errors", "MIGRATION_HTTP_URL", "http://[bad"),
        ("errors", "MIGRATION_HTTP_URL", "http://h:99999"),
        ("errors", "MIGRATION_HTTP_PORT", "abc"),
    ],
)
def test_invalid_setting_is_one_sentence_and_exit_code_2(
    command: str, name: str, value: str, tmp_path: Path
) -> None:
    words = (command, "x") if command == "errors" else (command,)
    answer = run_cli(*words, cwd=tmp_path, **({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"} | {name: value}))
    assert answer.returncode == 2
    assert name in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [("--help",), ("errors", "--help"), ("--version",)], ids=" ".join)
def test_broken_pipe_is_silent_and_exit_code_141(arguments: tuple[str, ...], tmp_path: Path) -> None:
    with broken_pipe() as out:
        answer = run_cli_to(out, *arguments, cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (141, "")


def test_full_disk_is_one_sentence_and_exit_code_74(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        answer = run_cli_to(full.fileno(), "--help", cwd=tmp_path)
    assert answer.returncode == 74
    assert answer.stderr == "The output cannot be written: No space left on device.\n"


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0)])
def test_closed_output_is_not_an_error(closed: str, code: int, tmp_path: Path) -> None:
    command = f"{sys.executable} -m producer_cli --version {closed}"
    known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    answer = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=known, capture_output=True, check=False)
    assert (answer.returncode, answer.stderr) == (code, b"")


@pytest.mark.parametrize(
    "command", [("start", "database", "admin_panel"), ("status",), ("watch", "x"), ("retry", "x")]
)
def test_unreachable_kafka_is_one_sentence_and_exit_code_5(command: tuple[str, ...], tmp_path: Path) -> None:
    answer = run_cli(*command, cwd=tmp_path, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert answer.returncode == 5
    assert "Kafka at 127.0.0.1:1 is not reachable" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


def test_request_id_is_printed_if_kafka_is_unreachable(tmp_path: Path) -> None:
    command = ("start", "database", "admin_panel", "--request-id", "my-id")
    answer = run_cli(*command, cwd=tmp_path, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
    assert answer.stdout == "my-id\n"
    assert "--request-id my-id" in answer.stderr


def test_unreachable_service_is_one_sentence_and_exit_code_5(tmp_path: Path) -> None:
    answer = run_cli("errors", "x", cwd=tmp_path, MIGRATION_HTTP_URL="http://127.0.0.1:1")
    assert answer.returncode == 5
    assert answer.stderr.startswith("Nothing answers at http://127.0.0.1:1")
    assert len(answer.stderr.strip().splitlines()) == 1


def test_debug_prints_traceback(tmp_path: Path) -> None:
    answer = run_cli("--debug", "start", "excel", "missing.xlsx", cwd=tmp_path)
    assert "Traceback" in answer.stderr
    assert answer.returncode == 2


def test_devstack_in_checkout_is_found(tmp_path: Path) -> None:
    (tmp_path / ".devstack").mkdir()
    (tmp_path / ".devstack" / "env").write_text("KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:2\n", "utf-8")
    (tmp_path / "below").mkdir()
    answer = run_cli("status", cwd=tmp_path / "below")
    assert "Kafka at 127.0.0.1:2" in answer.stderr


@pytest.mark.parametrize("number", ["00002", "0", "1_0"])
def test_job_number_has_one_spelling(number: str, tmp_path: Path) -> None:
    answer = run_cli("errors", "--number", number, cwd=tmp_path)
    assert answer.returncode == 2
    assert "without leading zeros" in answer.stderr
