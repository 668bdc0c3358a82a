import csv
import io
import json
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from producer_cli.commands import rejected_rows
from producer_cli.errors import InvalidInputError, OutputError, UnavailableError
from producer_cli.http_client import ServiceClient
from producer_cli.language import resolve_language
from schemas.http_headers import XLSX_MEDIA_TYPE
from tests.unit.producer_cli.run_cli import broken_pipe, run_cli_to

REQUEST_ID = "мой/id"
JOBS: dict[str, dict[str, object]] = {
    "/migration/jobs/403538": {"id": 7, "request_id": "403538"},
    "/migration/jobs/403539": {"id": 403539, "request_id": "of somebody else"},
}
"""Jobs as the service finds them: by request id, else by number."""


def row(number: int) -> dict[str, object]:
    errors = [{"field": "inn", "code": "inn_length", "message": "An ИНН has 10 or 12 digits."}]
    return {"row_number": number, "record_identifier": None, "errors": errors, "record": {"ИНН": "1"}}


class FakeServiceHandler(BaseHTTPRequestHandler):
    """Answers as the service does, for one request with 1,201 rejected rows."""

    rows = range(2, 1203)
    requests: list[str] = []  # noqa: RUF012  # shared on purpose: the server makes a handler a request
    languages: list[str] = []  # noqa: RUF012
    drops_connection = False
    is_old = False

    def do_GET(self) -> None:
        FakeServiceHandler.requests.append(self.path)
        parts = urlsplit(self.path)
        if parts.path in JOBS:
            body = json.dumps(JOBS[parts.path]).encode()
            self._respond("application/json", body, len(body))
        elif parts.path == "/migration/jobs":
            before = int(parse_qs(parts.query)["before"][0])
            items = [job for job in JOBS.values() if int(str(job["id"])) < before][-1:]
            body = json.dumps({"items": items, "next": None}).encode()
            self._respond("application/json", body, len(body))
        elif unquote(parts.path) != f"/migration/jobs/{REQUEST_ID}/errors":
            self._problem(parts.path)
        elif self.headers["accept"] == "text/csv":
            self._csv()
        elif self.headers["accept"] == XLSX_MEDIA_TYPE and not self.is_old:
            FakeServiceHandler.languages.append(self.headers["accept-language"])
            self._file(XLSX_MEDIA_TYPE, b"PK" * 300_000)
        else:
            self._page({name: values[0] for name, values in parse_qs(parts.query).items()})

    def _problem(self, path: str) -> None:
        if "away" in path:
            self._respond("application/json", b'{"detail": "Postgres is away."}', 31, status=503)
        else:
            self.send_error(503 if "broken" in path else 404)

    def _page(self, query: dict[str, str]) -> None:
        after, limit = int(query.get("after", 0)), int(query.get("limit", 100))
        numbers = [number for number in self.rows if number > after]
        page = numbers[:limit]
        following = page[-1] if len(numbers) > limit else None
        body = json.dumps({"items": [row(number) for number in page], "next": following}).encode()
        self._respond("application/json", body, len(body))

    def _csv(self) -> None:
        self._file("text/csv", b"row_number,inn\r\n2,1\r\n")

    def _file(self, kind: str, body: bytes) -> None:
        self._respond(kind, body, len(body) + (100 if FakeServiceHandler.drops_connection else 0))

    def _respond(self, kind: str, body: bytes, length: int, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), FakeServiceHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def service() -> Iterator[ServiceClient]:
    FakeServiceHandler.requests.clear()
    FakeServiceHandler.languages.clear()
    FakeServiceHandler.drops_connection = FakeServiceHandler.is_old = False
    with serving() as url:
        made = ServiceClient(url)
        yield made
        made.close()


def test_rows_are_fetched_page_by_page(service: ServiceClient) -> None:
    numbers = [row["row_number"] for row in service.rejected_rows(REQUEST_ID)]
    assert numbers == list(FakeServiceHandler.rows)
    assert len(FakeServiceHandler.requests) == 3


def test_no_more_rows_are_requested_than_wanted(service: ServiceClient) -> None:
    assert len(list(service.rejected_rows(REQUEST_ID, 51))) == 51
    assert len(FakeServiceHandler.requests) == 1
    assert "limit=51" in FakeServiceHandler.requests[0]


def test_unknown_request_is_invalid_input(service: ServiceClient) -> None:
    with pytest.raises(InvalidInputError, match="knows no request other"):
        list(service.rejected_rows("other"))


def test_status_503_is_unavailable_error(service: ServiceClient) -> None:
    with pytest.raises(UnavailableError, match=r"answered 503: try again later\.$"):
        list(service.rejected_rows("broken"))
    with (
        pytest.raises(UnavailableError, match=r"answered 503: Postgres is away\.$"),
        service.rejected_csv("away"),
    ):
        pass


def test_unreachable_service_and_invalid_url_are_reported(tmp_path: Path) -> None:
    with serving() as url:
        pass
    client = ServiceClient(url)
    with pytest.raises(UnavailableError, match="Nothing answers"):
        list(client.rejected_rows(REQUEST_ID))
    client.close()
    with pytest.raises(InvalidInputError, match="MIGRATION_HTTP_URL"):
        ServiceClient("localhost:8084")


def test_csv_file_is_readable_by_owner_only(service: ServiceClient, tmp_path: Path) -> None:
    target = tmp_path / "rejected.csv"
    target.write_text("old", "utf-8")
    assert rejected_rows.save_csv(service, REQUEST_ID, target) == f"Written to {target}, 21 bytes."
    assert list(csv.reader(io.StringIO(target.read_text("utf-8")))) == [["row_number", "inn"], ["2", "1"]]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["rejected.csv"]


def test_interrupted_csv_keeps_existing_file(service: ServiceClient, tmp_path: Path) -> None:
    FakeServiceHandler.drops_connection = True
    target = tmp_path / "rejected.csv"
    target.write_text("old", "utf-8")
    with pytest.raises(UnavailableError, match="broke off"):
        rejected_rows.save_csv(service, REQUEST_ID, target)
    assert target.read_text("utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["rejected.csv"]


def test_workbook_is_readable_by_owner_only_and_its_progress_reported(
    service: ServiceClient, tmp_path: Path
) -> None:
    target = tmp_path / "rejected.xlsx"
    reports: list[tuple[int, int]] = []
    message = rejected_rows.save_xlsx(
        service, REQUEST_ID, "ru", target, lambda received, size: reports.append((received, size))
    )
    assert message == f"Written to {target}, 585.9 KB."
    assert target.read_bytes() == b"PK" * 300_000
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["rejected.xlsx"]
    assert reports[-1] == (600_000, 600_000)
    assert [received for received, _ in reports] == sorted(received for received, _ in reports)
    assert FakeServiceHandler.languages == ["ru"]


def test_interrupted_workbook_keeps_existing_file(service: ServiceClient, tmp_path: Path) -> None:
    FakeServiceHandler.drops_connection = True
    target = tmp_path / "rejected.xlsx"
    target.write_text("old", "utf-8")
    with pytest.raises(UnavailableError, match="broke off"):
        rejected_rows.save_xlsx(service, REQUEST_ID, "en", target)
    assert target.read_text("utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["rejected.xlsx"]


def test_older_service_writes_no_workbook(service: ServiceClient, tmp_path: Path) -> None:
    FakeServiceHandler.is_old = True
    with pytest.raises(UnavailableError, match=r"writes no workbooks: update it, or use --csv FILE\.$"):
        rejected_rows.save_xlsx(service, REQUEST_ID, "en", tmp_path / "rejected.xlsx")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--xlsx", "a", "--csv", "b"), "Give either --xlsx or --csv."),
        (("--xlsx", "a", "--json"), "--xlsx writes every rejected row"),
        (("--xlsx", "a", "--limit", "0"), "--xlsx writes every rejected row"),
        (("--lang", "ru"), "--lang is the language of a workbook: give --xlsx FILE with it."),
        (("--xlsx", "a", "--lang", "de"), "--lang must be ru or en."),
    ],
)
def test_options_that_do_not_fit_together(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    done = run_cli_to(subprocess.DEVNULL, "errors", REQUEST_ID, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(message)


@pytest.mark.parametrize(
    ("chosen", "environment", "language"),
    [
        ("ru", {"LANG": "en_US.UTF-8"}, "ru"),
        (None, {"LANG": "ru_RU.UTF-8"}, "ru"),
        (None, {"LC_ALL": "", "LC_MESSAGES": "ru_RU.UTF-8", "LANG": "en_US.UTF-8"}, "ru"),
        (None, {"LC_ALL": "C.UTF-8", "LANG": "ru_RU.UTF-8"}, "en"),
        (None, {"LANG": "de_DE.UTF-8"}, "en"),
        (None, {}, "en"),
    ],
)
def test_language_of_a_workbook(chosen: str | None, environment: dict[str, str], language: str) -> None:
    assert resolve_language(chosen, environment) == language


def test_unwritable_target_is_invalid_input(service: ServiceClient, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="cannot be written"):
        rejected_rows.save_csv(service, REQUEST_ID, tmp_path / "missing" / "rejected.csv")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        rejected_rows.save_csv(service, REQUEST_ID, tmp_path)


def test_piped_output_has_line_per_invalid_field(
    service: ServiceClient, capsys: pytest.CaptureFixture[str]
) -> None:
    rejected_rows.show(service, REQUEST_ID, 2, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "2\t\tinn\tinn_length\tAn ИНН has 10 or 12 digits.",
        "3\t\tinn\tinn_length\tAn ИНН has 10 or 12 digits.",
    ]


def test_json_output_has_rows_unchanged(service: ServiceClient, capsys: pytest.CaptureFixture[str]) -> None:
    rejected_rows.show(service, REQUEST_ID, 0, as_json=True)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1201
    assert json.loads(lines[0]) == row(2)


@pytest.mark.parametrize("more", [(), ("--json",), ("--csv", "-")], ids=" ".join)
def test_unwritable_output_sets_exit_code(more: tuple[str, ...], tmp_path: Path) -> None:
    words = ("errors", REQUEST_ID, *more)
    with serving() as url, broken_pipe() as out, Path("/dev/full").open("wb") as full:
        closed_pipe = run_cli_to(out, *words, cwd=tmp_path, MIGRATION_HTTP_URL=url)
        full_disk = run_cli_to(full.fileno(), *words, cwd=tmp_path, MIGRATION_HTTP_URL=url)
    assert (closed_pipe.returncode, closed_pipe.stderr) == (141, "")
    assert full_disk.returncode == 74
    assert full_disk.stderr == "The output cannot be written: No space left on device.\n"


def test_full_disk_is_output_error(service: ServiceClient) -> None:
    with pytest.raises(OutputError, match="/dev/full cannot be written: No space left on device"):
        rejected_rows.save_csv(service, REQUEST_ID, Path("/dev/full"))


def test_numeric_request_id_is_not_a_job_number(service: ServiceClient) -> None:
    assert service.verify_request_id("403538") == "403538"
    with pytest.raises(
        InvalidInputError, match="knows no request 403539; for the job of that number give --number"
    ):
        service.verify_request_id("403539")
    with pytest.raises(InvalidInputError, match="knows no request 5"):
        service.verify_request_id("5")
    FakeServiceHandler.requests.clear()
    assert service.verify_request_id(REQUEST_ID) == REQUEST_ID
    assert FakeServiceHandler.requests == []


def test_job_number_is_not_a_request_id(service: ServiceClient) -> None:
    assert service.request_id_of_job(403539) == "of somebody else"
    assert service.request_id_of_job(7) == "403538"
    for number in (403538, 403540, 1, 2**63 - 1, 2**70):
        with pytest.raises(InvalidInputError, match=f"no job with the number {number}"):
            service.request_id_of_job(number)
