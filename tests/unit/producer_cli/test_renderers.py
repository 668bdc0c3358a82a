import io

from rich.console import Console

from producer_cli.render.json_lines import JsonRenderer
from producer_cli.render.plain import LineRenderer
from producer_cli.render.progress import JobProgress
from producer_cli.render.summary import headline, hints, summary, summary_table
from producer_cli.render.terminal import TerminalRenderer
from schemas.status import StatusEvent
from tests.support.status_event_factories import REQUEST_ID, make_event, make_received_event


def render(what: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def render_progress(event: StatusEvent, passed: float = 0.0, width: int = 80) -> list[str]:
    times = iter([0.0] + [passed] * 9)
    bar = JobProgress(lambda: next(times))
    bar.update(event)
    return [line.rstrip() for line in render(bar, width).splitlines()]


def test_progress_of_running_job_fits_in_80_columns() -> None:
    event = make_event(total=155_000, processed=95_997, failed=3, rows_per_second=41_200.0, eta_seconds=90)
    first, second = render_progress(event)
    assert first.startswith("running   ━")
    assert first.endswith("61 % 95,997 / 155,000 rows")
    assert len(first) <= 80
    assert second.strip() == "failed 3 · 41,200 rows/s · 1:30 left · 0:04 elapsed"


def test_eta_and_elapsed_advance_between_events() -> None:
    event = make_event(total=100, processed=50, rows_per_second=1.0, eta_seconds=50)
    assert render_progress(event, passed=10)[1].strip() == "failed 0 · 1 rows/s · 0:40 left · 0:14 elapsed"


def test_job_without_total_shows_rows_without_percentage() -> None:
    first, _ = render_progress(make_event(processed=12_000))
    assert first.endswith("12,000 rows")
    assert "%" not in first


def test_pending_job_shows_reason() -> None:
    error = {"code": "source_unavailable", "message": "x"}
    event = make_event("pending", attempt=2, error=error, detail="waiting for quota")
    assert render_progress(event)[1].strip() == "attempt 2 after source_unavailable · waiting for quota"


def test_narrow_terminal_does_not_wrap_lines() -> None:
    event = make_event(total=155_000, processed=95_997, rows_per_second=41_200.0, eta_seconds=90)
    assert len(render_progress(event, width=50)) == 2


def make_completed_event() -> StatusEvent:
    return make_event(
        "completed",
        total=1000,
        processed=990,
        failed=10,
        inserted=900,
        updated=50,
        unchanged=30,
        duplicates=10,
        warnings={"phone": 12, "unheard_of": 1},
    )


def test_summary_accounts_for_every_row() -> None:
    assert [" ".join(row).split() for row in summary(make_completed_event())] == [
        ["total", "1,000"],
        ["processed", "990"],
        ["inserted", "900"],
        ["updated", "50"],
        ["unchanged", "30"],
        ["duplicates", "10"],
        ["failed", "10", "rows", "rejected"],
        ["warnings", "12", "phone", "phone", "not", "understood,", "left", "out"],
        ["1", "unheard_of"],
        ["time", "0:04", "250", "rows/s"],
    ]


def test_summary_fits_in_80_columns() -> None:
    assert all(
        len(line) <= 80 for line in render(summary_table(summary(make_completed_event()))).splitlines()
    )


def test_next_commands_are_suggested() -> None:
    assert list(hints(make_completed_event())) == [
        f"To see the rejected rows:\n  migration errors {REQUEST_ID} --csv rejected.csv"
    ]
    assert list(hints(make_event("failed"))) == [f"To run it again:\n  migration retry {REQUEST_ID} --watch"]
    assert list(hints(make_event("failed", request_id="my id"))) == [
        "To run it again:\n  migration retry 'my id' --watch"
    ]
    assert list(hints(make_event("failed", 0, job_id=None))) == []


def test_error_message_is_not_rendered_as_markup() -> None:
    event = make_event("failed", error={"code": "x", "message": "Put [bold]it[/bold] right."})
    assert render(headline(event)) == "failed chats.xlsx\nx: Put [bold]it[/bold] right.\n"


def make_consoles() -> tuple[io.StringIO, Console]:
    return io.StringIO(), Console(file=io.StringIO(), width=160, markup=False, highlight=False)


def test_line_renderer_prints_id_and_line_per_change() -> None:
    out, words = make_consoles()
    screen = LineRenderer(out, words)
    screen.on_start(REQUEST_ID)
    with screen.live_progress():
        screen.on_event(make_received_event("pending"))
        screen.info("No answer yet.")
        screen.on_event(make_received_event("completed", 2))
    screen.on_end(make_completed_event())
    lines = out.getvalue().splitlines()
    assert lines[0] == REQUEST_ID
    assert [line.split()[1] for line in lines[1:]] == ["pending", "completed"]
    assert isinstance(words.file, io.StringIO)
    assert "No answer yet." in words.file.getvalue()
    assert "processed" in words.file.getvalue()


def test_json_renderer_prints_id_and_events_unchanged() -> None:
    out, words = make_consoles()
    screen = JsonRenderer(out, words)
    received = make_received_event("completed", 2)
    screen.on_start(REQUEST_ID)
    screen.on_event(received)
    screen.on_end(received.event)
    assert out.getvalue().splitlines() == [f'{{"request_id": "{REQUEST_ID}"}}', received.json_line]


def test_terminal_renderer_prints_summary() -> None:
    console = Console(file=io.StringIO(), width=80, force_terminal=True, markup=False, highlight=False)
    screen = TerminalRenderer(console)
    screen.on_start(REQUEST_ID)
    with screen.upload_progress("chats.xlsx", 1000) as sent:
        sent(500)
    with screen.live_progress():
        screen.on_event(make_received_event("running", total=10, processed=5))
        screen.info("A word.")
    screen.on_end(make_completed_event())
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for text in (REQUEST_ID, "Uploading chats.xlsx", "A word.", "inserted", "migration errors"):
        assert text in shown


def test_nearest_columns_are_printed_as_options() -> None:
    error = {"code": "missing_column", "message": "…", "columns": {"Ссылка MAX": "url", "ИНН\x1b": "inn"}}
    hint, *_ = hints(make_event("failed", error=error))
    assert hint == (
        "To read the nearest columns instead, add to a new `migration start`:\n"
        "  --column 'Ссылка MAX=url' --column 'ИНН =inn'"
    )
    assert "--column" not in "".join(hints(make_event("failed")))
