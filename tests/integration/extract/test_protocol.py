"""The child as a process: what it says, in which order, and when it goes."""

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


def test_a_workbook_arrives_in_batches_with_its_total_and_end(workbook: Path, scratch: Path) -> None:
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
def test_an_attempt_goes_on_behind_the_checkpoint(
    workbook: Path, scratch: Path, checkpoint: int, low_memory: bool
) -> None:
    whole = read_all(make_start_header(workbook, scratch))
    fingerprint = whole[0].header["fingerprint"]
    rest = read_all(
        make_start_header(
            workbook, scratch, checkpoint=checkpoint, fingerprint=fingerprint, low_memory=low_memory
        )
    )
    assert rest[0].header["fingerprint"] == fingerprint
    assert rest[0].header["restarted"] is False
    # The last word of a line counts rows skipped before it: the checker saw them all.
    assert lines(rest, "stage") == [line for line in lines(whole, "stage") if int(line[0]) > checkpoint]
    assert rest[-1].header == {"rows": 45}


def test_another_file_is_read_from_the_top_and_refusals_are_forgotten(workbook: Path, scratch: Path) -> None:
    start = make_start_header(
        workbook, scratch, checkpoint=30, fingerprint="another", database_rejections={"4": "22P05"}
    )
    frames = read_all(start)
    assert frames[0].header["restarted"] is True
    assert len(lines(frames, "stage")) == 44


def test_a_checkpoint_of_other_rules_begins_a_new_load(workbook: Path, scratch: Path) -> None:
    whole = read_all(make_start_header(workbook, scratch))
    rules, day, source = whole[0].header["fingerprint"].rsplit("/", 2)
    assert (rules, day) == ("tiny-1", "2026-03-01")
    for before in (f"tiny-0/{day}/{source}", source):
        start = make_start_header(
            workbook,
            scratch,
            checkpoint=30,
            rows_done=28,
            fingerprint=before,
            database_rejections={"4": "22P05"},
        )
        frames = read_all(start)
        assert frames[0].header["restarted"] is True
        assert frames[0].header["fingerprint"] == whole[0].header["fingerprint"]
        assert lines(frames, "stage") == lines(whole, "stage")
        assert frames[-1].header == {"rows": 45}


def test_a_resumed_load_keeps_the_day_it_began(workbook: Path, scratch: Path) -> None:
    fingerprint = read_all(make_start_header(workbook, scratch))[0].header["fingerprint"]
    later = {"today": "2026-03-09", "checkpoint": 30}
    resumed = read_all(make_start_header(workbook, scratch, fingerprint=fingerprint, **later))
    assert resumed[0].header["fingerprint"] == fingerprint
    anew = read_all(
        make_start_header(workbook, scratch, fingerprint=fingerprint.replace("tiny-1", "tiny-0"), **later)
    )
    assert anew[0].header["fingerprint"] == fingerprint.replace("2026-03-01", "2026-03-09")


def test_the_same_file_but_another_sheet_is_another_source(workbook: Path, scratch: Path) -> None:
    one = read_all(make_start_header(workbook, scratch))
    write_xlsx(workbook, [HEADER, *data_rows(3)], sheet="Другой")
    assert (
        read_all(make_start_header(workbook, scratch))[0].header["fingerprint"]
        != one[0].header["fingerprint"]
    )


def test_refused_rows_are_rejected(workbook: Path, scratch: Path) -> None:
    fingerprint = read_all(make_start_header(workbook, scratch))[0].header["fingerprint"]
    refused = {"4": "22P05", "47": "22021"}
    frames = read_all(
        make_start_header(workbook, scratch, database_rejections=refused, fingerprint=fingerprint)
    )
    assert [line[0] for line in lines(frames, "stage_rejected_rows")] == ["4", "7", "47"]


def test_no_more_batches_come_than_were_granted(workbook: Path, scratch: Path) -> None:
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


def test_what_a_library_prints_stays_out_of_the_pipe(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, dataset="prints")) as process:
        assert process.read_all()[-1].frame_type is FrameType.END
        assert "must not reach the pipe" in process.stderr_text()


def test_an_error_of_our_own_tells_its_kind_and_place_but_no_values(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, dataset="fails")) as process:
        (failed,) = process.read_all()
        assert process.exit_code() == 0
        said = process.stderr_text()
    assert failed.header["code"] == "internal_error"
    assert failed.header["transient"] is False
    assert "ValueError" in failed.header["message"]
    assert "ValueError" in said
    assert "tiny_extractor.py" in said
    assert "79991234567" not in said + failed.header["message"]


def test_memory_that_python_cannot_have_ends_like_that_of_libraries(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, dataset="eats")) as process:
        assert process.read_all() == []
        assert process.exit_code() == -signal.SIGABRT
    with start_extractor(make_start_header(workbook, scratch, dataset="eats", low_memory=True)) as process:
        assert [frame.header["code"] for frame in process.read_all()] == ["source_too_large"]


def test_chats_are_read_by_the_child_that_the_service_starts(workbook: Path, scratch: Path) -> None:
    with start_extractor(
        make_start_header(workbook, scratch, dataset="chats"), "consumer.extract"
    ) as process:
        frames = process.read_all()
        assert process.stderr_text() == ""
    assert frames[-1].header == {"rows": 45}
    assert sum(frame.header["accepted"] for frame in batches(frames)) == 44
    assert sum(frame.header["rejected"] for frame in batches(frames)) == 1


def test_an_unknown_dataset_is_refused(workbook: Path, scratch: Path) -> None:
    with start_extractor(
        make_start_header(workbook, scratch, dataset="chants"), "consumer.extract"
    ) as process:
        assert [frame.header["code"] for frame in process.read_all()] == ["unknown_dataset"]


def test_a_child_cannot_take_more_than_it_may_nor_leave_a_core(workbook: Path, scratch: Path) -> None:
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


def test_a_child_of_an_inspectable_service_is_inspectable(
    workbook: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIGRATION_INSPECTABLE", "yes")
    with start_extractor(make_start_header(workbook, scratch, dataset="limits")) as process:
        process.read_all()
        assert "dumpable=1" in process.stderr_text().split()


def test_processor_time_is_short_before_the_first_row_and_grows_with_rows(
    workbook: Path, scratch: Path
) -> None:
    with start_extractor(
        make_start_header(workbook, scratch, dataset="limits", cpu_seconds=7200, credits=1)
    ) as process:
        assert [_kind(process), _kind(process)] == [FrameType.OPENED, FrameType.BATCH]
        assert 30 < _processor_seconds(process) < 60
        process.send(FrameType.CREDIT, {"batches": 1})
        assert process.read_all()[-1].frame_type is FrameType.END
        assert "cpu=30,7205" in process.stderr_text().split()


def _processor_seconds(process: ExtractorDriver) -> int:
    """The soft limit of a running child, as the kernel has it."""
    limits = Path(f"/proc/{process.process.pid}/limits").read_text().splitlines()
    return int(next(line.split()[3] for line in limits if line.startswith("Max cpu time")))


def test_an_unknown_source_is_refused(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, source={"type": "carrier_pigeon"})) as process:
        assert [frame.header["code"] for frame in process.read_all()] == ["unsupported_source"]


def test_a_child_goes_when_its_orders_never_come() -> None:
    process = ExtractorDriver("tests.support.tiny_extractor")
    assert process.process.stdin is not None
    process.process.stdin.close()
    assert process.exit_code() == 0
    process.close()


def test_a_child_goes_when_the_pipe_is_closed(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, credits=1)) as process:
        assert _kind(process) is FrameType.OPENED
        assert process.process.stdin is not None
        process.process.stdin.close()
        assert process.exit_code() == 0
        assert process.stderr_text() == ""


def test_a_child_goes_when_it_belongs_to_somebody_else(workbook: Path, scratch: Path) -> None:
    with start_extractor(make_start_header(workbook, scratch, service_pid=1)) as process:
        assert process.read_all() == []
        assert process.exit_code() == 0


PARENT = """
import os, subprocess, sys, time
from pathlib import Path
from tests.support.extractor_driver import FrameType, make_start_header, start_extractor
with start_extractor(make_start_header(Path(sys.argv[1]), Path(sys.argv[2]), grants=0)) as process:
    assert process.next_frame().frame_type is FrameType.OPENED
    keep = os.dup(process.process.stdin.fileno())
    os.set_inheritable(keep, True)
    # Somebody else holds the pipe open, so that only the kernel can tell the child.
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    print(process.process.pid, other.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_child_dies_with_its_service_even_when_the_pipe_stays_open(workbook: Path, scratch: Path) -> None:
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
