"""The temporary directory of a killed process is removed by the next one, and nothing else is."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumer.runtime.tempdir import PREFIX, ProcessTempDir

HOLD_SCRIPT = """
import sys
from pathlib import Path
from consumer.runtime.tempdir import ProcessTempDir

directory = ProcessTempDir.open(Path(sys.argv[1]))
(directory.path / "job-1-x").mkdir()
(directory.path / "job-1-x" / "phones.xlsx").write_text("personal")
print(directory.path, flush=True)
sys.stdin.read()
"""

Start = Callable[[], tuple[subprocess.Popen[str], Path]]


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[Start]:
    """Start a process with a temporary directory."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> tuple[subprocess.Popen[str], Path]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD_SCRIPT, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        return process, Path(process.stdout.readline().strip())

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def test_only_directories_of_dead_processes_are_removed(start_process: Start, tmp_path: Path) -> None:
    killed, left = start_process()
    _, kept = start_process()
    assert (left / "job-1-x" / "phones.xlsx").exists(), "its process is alive"
    killed.kill()
    killed.wait()
    scratch = ProcessTempDir.open(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([kept, scratch.path])
    assert (kept / "job-1-x" / "phones.xlsx").exists()
    scratch.close()


def test_directory_is_removed_at_close(tmp_path: Path) -> None:
    scratch = ProcessTempDir.open(tmp_path)
    (scratch.path / "job").mkdir()
    scratch.close()
    assert list(tmp_path.iterdir()) == []


def test_foreign_directories_are_kept(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(tmp_path / "other")
    (tmp_path / f"{PREFIX}file").touch()
    for name in ("chat-migration-main", f"{PREFIX}notes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "thesis.txt").touch()
    before = sorted(tmp_path.rglob("*"))
    ProcessTempDir.open(tmp_path).close()
    assert sorted(tmp_path.rglob("*")) == before


def test_stale_directory_without_job_directory_is_removed(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}x").mkdir()
    ProcessTempDir.open(tmp_path).close()
    assert list(tmp_path.iterdir()) == []


def test_missing_root_raises_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ProcessTempDir.open(tmp_path / "nowhere")
