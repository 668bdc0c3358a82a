"""`migration template`: the workbook is saved once, and never over another file."""

import stat
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from producer_cli.commands.template import save_template
from producer_cli.errors import InvalidInputError, UnavailableError
from producer_cli.http_client import ServiceClient
from schemas.http_headers import XLSX_MEDIA_TYPE

CONTENT = b"a workbook"
ANSWERS = {
    "/migration/datasets/chats/template": (200, XLSX_MEDIA_TYPE, CONTENT),
    "/migration/datasets/page/template": (200, "text/html", b"<html>"),
}
MISSING = (404, "application/problem+json", b'{"detail": "There is no template.", "code": "not_found"}')


class TemplateHandler(BaseHTTPRequestHandler):
    """Answers as the service does."""

    def do_GET(self) -> None:
        status, media_type, body = ANSWERS.get(self.path, MISSING)
        self.send_response(status)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def client() -> Iterator[ServiceClient]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), TemplateHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connected = ServiceClient(f"http://127.0.0.1:{server.server_port}")
    yield connected
    connected.close()
    server.shutdown()
    server.server_close()


def test_template_is_saved_under_the_name_of_the_dataset(
    client: ServiceClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    message = save_template(client, "chats", None)
    saved = tmp_path / "chats-template.xlsx"
    assert saved.read_bytes() == CONTENT
    assert message.startswith("Written to chats-template.xlsx, ")
    assert "Rows 2 and 3 are examples" in message


def test_others_may_read_a_template(client: ServiceClient, tmp_path: Path) -> None:
    """It holds no data, unlike rejected rows."""
    plain = tmp_path / "plain"
    plain.touch()
    save_template(client, "chats", tmp_path / "chats.xlsx")
    assert stat.S_IMODE((tmp_path / "chats.xlsx").stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)


def test_existing_file_is_not_replaced(client: ServiceClient, tmp_path: Path) -> None:
    target = tmp_path / "chats.xlsx"
    target.write_bytes(b"filled in")
    with pytest.raises(InvalidInputError, match="exists already"):
        save_template(client, "chats", target)
    assert target.read_bytes() == b"filled in"


def test_template_is_written_to_standard_output(
    client: ServiceClient, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    save_template(client, "chats", Path("-"))
    assert capfdbinary.readouterr().out == CONTENT


def test_unknown_dataset_is_reported_in_the_words_of_the_service(
    client: ServiceClient, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInputError, match=r"There is no template\."):
        save_template(client, "students", tmp_path / "x.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_other_server_is_detected(client: ServiceClient, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="is not the migration service"):
        save_template(client, "page", tmp_path / "x.xlsx")
