"""The extractor as a process: its frames, their order, its limits and its end."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

import pytest

from consumer.ipc import FrameType
from tests.support.extractor_driver import (
    ROOT,
    TIMEOUT_SECONDS,
    ExtractorDriver,
    ReceivedFrame,
    make_start_header,
    start_extractor,
)
from tests.support.workbooks import HEADER, data_rows, write_xlsx


def read_all(start: dict[str, object]) -> list[ReceivedFrame]:
    with start_extractor(start) as process:
        frames = process.read_all()
        assert process.exit_code() == 0
    return frames


def batches(frames: list[ReceivedFrame]) -> list[ReceivedFrame]:
    return [frame for frame in frames if frame.frame_type is FrameType.BATCH]


def lines(frames: list[ReceivedFrame], section: str) -> list[list[str]]:
    text = "".join(frame.sections[section] for frame in batches(frames))
    return [line.split("\t") for line in text.splitlines()]


def test_frames_of_a_workbook(workbook: Path, scratch: Path) -> None:
    frames = read_all(make_start_header(workbook, scratch))
    kinds = [frame.frame_type for frame in frames]
    assert kinds == [
        FrameType.OPENED,
        FrameType.BATCH,
        FrameType.TOTAL,
        *[FrameType.BATCH] * 4,
        FrameType.END,
    ]
    assert frames[0].header["restarted"] is False
    assert frames[2].header == {"rows": 45}
    assert frames[-1].header == {"rows": 45}
    sizes = [frame.header["accepted"] + frame.header["rejected"] for frame in batches(frames)]
    assert sum(sizes) == 45
    assert max(sizes) <= 10
    ends = [int(frame.sections["stage"].splitlines()[-1].split("\t")[0]) for frame in batches(frames)]
    assert [frame.header["last"] for frame in batches(frames)] == ends
    assert [frame.header["rejected"] for frame in batches(frames)] == [1, 0, 0, 0, 0]
    assert batches(frames)[0].header["warnings"] == {"odd": 1}
    assert [int(line[0]) for line in lines(frames, "stage")] == [3, 4, 5, 6, *range(8, 48)]
    assert lines(frames, "stage_rejected_rows") == [
        ["7", '{"ИНН": 7700000004.0, "Ссылка на чат": null, "Название чата": "без ссылки"}']
    ]


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("checkpoint", [3, 10, 15, 46, 47])
def test_extraction_resumes_after_the_checkpoint(
    workbook: Path, scratch: Path, checkpoint: int, low_memory: bool
) -> None:
    complete = read_all(make_start_header(workbook, scratch))
    fingerprint = complete[0].header["fingerprint"]
    rest = read_all(
        make_start_header(
            workbook, scratch, checkpoint=checkpoint, fingerprint=fingerprint, low_memory=low_memory
        )
    )
    assert rest[0].header["fingerprint"] == fingerprint
    assert rest[0].header["restarted"] is False
    # The last field counts rows replayed before it: the validator saw all of them.
    assert lines(rest, "stage") == [line for line in lines(complete, "stage") if int(line[0]) > checkpoint]
    assert rest[-1].header == {"rows": 45}


def test_replaced_file_is_read_from_the_top_without_database_rejections(
    workbook: Path, scratch: Path
) -> None:
    start = make_start_header(
        workbook, scratch, checkpoint=30, fingerprint="other", database_rejections={"4": "22P05"}
    )
    frames = read_all(start)
    assert frames[0].header["restarted"] is True
    assert len(lines(frames, "stage")) == 44


def test_checkpoint_of_other_rules_starts_a_new_load(workbook: Path, scratch: Path) -> None:
    complete = read_all(make_start_header(workbook, scratch))
    rules, day, source = complete[0].header["fingerprint"].rsplit("/", 2)
    assert (rules, day) == ("tiny-1", "2026-03-01")
    for stored in (f"tiny-0/{day}/{source}", source):
        start = make_start_header(
            workbook,
            scratch,
            checkpoint=30,
            rows_done=28,
            fingerprint=stored,
            database_rejections={"4": "22P05"},
        )
        frames = read_all(start)
        assert frames[0].header["restarted"] is True
        assert frames[0].header["fingerprint"] == complete[0].header["fingerprint"]
        assert lines(frames, "stage") == lines(complete, "stage")
        assert frames[-1].header == {"rows": 45}


def test_resumed_load_keeps_its_day(workbook: Path, scratch: Path) -> None:
    fingerprint = read_all(make_start_header(workbook, scratch))[0].header["fingerprint"]
    later = {"today": "2026-03-09", "checkpoint": 30}
    resumed = read_all(make_start_header(workbook, scratch, fingerprint=fingerprint, **later))
    assert resumed[0].header["fingerprint"] == fingerprint
    restarted = read_all(
        make_start_header(workbook, scratch, fingerprint=fingerprint.replace("tiny-1", "tiny-0"), **later)
    )
    assert restarted[0].header["fingerprint"] == fingerprint.replace("2026-03-01", "2026-03-09")


def test_other_sheet_of_file_is_a_different_source(workbook: Path, scratch: Path) -> None:
    first = read_all(make_start_header(workbook, scratch))
    write_xlsx(workbook, [HEADER, *data_rows(3)], sheet="Другой")
    assert (
        read_all(make_start_header(workbook, scratch))[0].header["fingerprint"]
        != first[0].header["fingerprint"]
    )


def test_rows_rejected_by_the_database_are_rejected(workbook: Path, scratch: Path) -> None:
    fingerprint = read_all(make_start_header(workbook, scratch))[0].header["fingerprint"]
    database_rejections = {"4": "22P05", "47": "22021"}
    frames = read_all(
        make_start_header(workbook, scratch, database_rejections=database_rejections, fingerprint=fingerprint)
    )
    assert [line[0] for line in lines(frames, "stage_rejected_rows")] == ["4", "7", "47"]


def test_batches_wait_for_credit(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, credits=1)) as process:
        kinds = [_kind(process) for _ in range(3)]
        assert kinds == [FrameType.OPENED, FrameType.BATCH, FrameType.TOTAL]
        with pytest.raises(TimeoutError):
            process.next_frame(0.5)
        process.send(FrameType.CREDIT, {"batches": 3})
        assert [_kind(process) for _ in range(3)] == [FrameType.BATCH] * 3
        with pytest.raises(TimeoutError):
            process.next_frame(0.5)
        process.send(FrameType.CREDIT, {"batches": 1})
        assert [_kind(process) for _ in range(2)] == [FrameType.BATCH, FrameType.END]
        assert process.exit_code() == 0


def _kind(process: ExtractorDriver) -> FrameType | None:
    frame = process.next_frame()
    return frame.frame_type if frame else None


def test_output_of_a_library_does_not_reach_the_pipe(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, dataset="prints")) as process:
        assert process.read_all()[-1].frame_type is FrameType.END
        assert "must not reach the pipe" in process.stderr_text()


def test_unexpected_error_is_reported_without_values(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, dataset="fails")) as process:
        (failed,) = process.read_all()
        assert process.exit_code() == 0
        stderr = process.stderr_text()
    assert failed.header["code"] == "internal_error"
    assert failed.header["transient"] is False
    assert "ValueError" in failed.header["message"]
    assert "ValueError" in stderr
    assert "tiny_extractor.py" in stderr
    assert "79991234567" not in stderr + failed.header["message"]


def test_memory_error_of_python_aborts_unless_low_memory(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, dataset="eats")) as process:
        assert process.read_all() == []
        assert process.exit_code() == -signal.SIGABRT
    with start_extractor(make_start_header(workbook, scratch, dataset="eats", low_memory=True)) as process:
        assert [frame.header["code"] for frame in process.read_all()] == ["source_too_large"]


def test_chats_are_read_by_consumer_extract(workbook: Path, scratch: Path) -> None:
    with start_extractor(
        make_start_header(workbook, scratch, dataset="chats"), "consumer.extract"
    ) as process:
        frames = process.read_all()
        assert process.stderr_text() == ""
    assert frames[-1].header == {"rows": 45}
    assert sum(frame.header["accepted"] for frame in batches(frames)) == 44
    assert sum(frame.header["rejected"] for frame in batches(frames)) == 1


def test_unknown_dataset_fails(workbook: Path, scratch: Path) -> None:
    with start_extractor(
        make_start_header(workbook, scratch, dataset="chants"), "consumer.extract"
    ) as process:
        assert [frame.header["code"] for frame in process.read_all()] == ["unknown_dataset"]


def test_resource_limits(workbook: Path, scratch: Path) -> None:
    start = make_start_header(workbook, scratch, dataset="limits", memory_bytes=1 << 30, cpu_seconds=7)
    with start_extractor(start) as process:
        process.read_all()
        assert process.stderr_text().split() == [
            "core=0,0",
            "memory=1073741824,1073741824",
            "cpu=7,12",
            "umask=0o77",
            "dumpable=0",
        ]


def test_extractor_of_an_inspectable_service_is_inspectable(
    workbook: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_INSPECTABLE", "yes")
    with start_extractor(make_start_header(workbook, scratch, dataset="limits")) as process:
        process.read_all()
        assert "dumpable=1" in process.stderr_text().split()


def test_cpu_limit_is_raised_with_rows(workbook: Path, scratch: Path) -> None:
    with start_extractor(
        make_start_header(workbook, scratch, dataset="limits", cpu_seconds=7200, credits=1)
    ) as process:
        assert [_kind(process), _kind(process)] == [FrameType.OPENED, FrameType.BATCH]
        assert 30 < _processor_seconds(process) < 60
        process.send(FrameType.CREDIT, {"batches": 1})
        assert process.read_all()[-1].frame_type is FrameType.END
        assert "cpu=30,7205" in process.stderr_text().split()


def _processor_seconds(process: ExtractorDriver) -> int:
    """The soft limit of a running extractor, as the kernel reports it."""
    limits = Path(f"/proc/{process.process.pid}/limits").read_text().splitlines()
    return int(next(line.split()[3] for line in limits if line.startswith("Max cpu time")))


def test_unknown_source_fails(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, source={"type": "carrier_pigeon"})) as process:
        assert [frame.header["code"] for frame in process.read_all()] == ["unsupported_source"]


def test_extractor_exits_if_the_pipe_closes_before_start() -> None:
    process = ExtractorDriver("tests.support.tiny_extractor")
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.exit_code() == 0
    process.close()


def test_extractor_exits_when_the_pipe_closes(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, credits=1)) as process:
        assert _kind(process) is FrameType.OPENED
        assert process.process.stdin is not None
        process.process.stdin.close()
        assert process.exit_code() == 0
        assert process.stderr_text() == ""


def test_extractor_exits_if_its_parent_is_not_the_service(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, service_pid=1)) as process:
        assert process.read_all() == []
        assert process.exit_code() == 0


PARENT = """
import os, subprocess, sys, time
from pathlib import Path
from tests.support.extractor_driver import FrameType, make_start_header, start_extractor
with start_extractor(make_start_header(Path(sys.argv[1]), Path(sys.argv[2]), credits=0)) as process:
    assert process.next_frame().frame_type is FrameType.OPENED
    keep = os.dup(process.process.stdin.fileno())
    os.set_inheritable(keep, True)
    # Another process keeps the pipe open, so that only the kernel can end the extractor.
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    print(process.process.pid, other.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="parent death signals are specific to Linux")
def test_extractor_ends_with_its_service_although_the_pipe_stays_open(workbook: Path, scratch: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(workbook), str(scratch)], stdout=subprocess.PIPE, cwd=ROOT
    ) as parent:
        assert parent.stdout is not None
        pid, other = map(int, parent.stdout.readline().split())
        try:
            assert _alive(pid)
            parent.kill()
            _wait_until_gone(pid)
        finally:
            os.kill(other, signal.SIGKILL)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _wait_until_gone(pid: int) -> None:
    deadline = monotonic() + TIMEOUT_SECONDS
    while _alive(pid):
        assert monotonic() < deadline
        sleep(0.01)
