"""The token is sent to the service only, and each rejection of it is one sentence."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from producer_cli.errors import ExitCode, InvalidInputError, UnavailableError
from producer_cli.http_client import ServiceClient
from producer_cli.settings import CliSettings
from tests.unit.producer_cli.run_cli import run_cli

TOKEN = "cm_Zm9vYmFyYmF6cXV4"
PAGE: dict[str, object] = {"items": [], "next": None}


class TokenCheckingHandler(BaseHTTPRequestHandler):
    """Answers as the service does to one token with the right `rows`, and to another without."""

    seen: list[str | None] = []  # noqa: RUF012  # shared on purpose: the server makes a handler a request

    def do_GET(self) -> None:
        sent = self.headers["authorization"]
        TokenCheckingHandler.seen.append(sent)
        if sent == f"Bearer {TOKEN}":
            self._respond(200, PAGE)
        elif sent == "Bearer reader":
            self._respond(403, {"detail": "The token «reader» does not have the right `rows`."})
        elif sent == "Bearer busy":
            self._respond(429, {"detail": "This token has sent more than 20 POSTs a second."})
        else:
            self._respond(401, {"detail": "A token is needed."})

    def _respond(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), TokenCheckingHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def clear_seen_tokens() -> None:
    TokenCheckingHandler.seen.clear()


def _rows(url: str, token: str | None) -> list[object]:
    service = ServiceClient(url, token)
    try:
        return list(service.rejected_rows("r-1"))
    finally:
        service.close()


def test_token_is_sent_with_request(url: str) -> None:
    assert _rows(url, TOKEN) == []
    assert TokenCheckingHandler.seen == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        (None, "asks for a token: set MIGRATION_HTTP_TOKEN, or MIGRATION_HTTP_TOKEN_FILE"),
        ("unknown", "does not know the token in MIGRATION_HTTP_TOKEN"),
        ("reader", "refuses: The token «reader» does not have the right `rows`"),
    ],
)
def test_rejected_token_is_invalid_input_with_advice(url: str, token: str | None, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence) as caught:
        _rows(url, token)
    assert "unknown" not in str(caught.value)
    service = ServiceClient(url, token)
    with pytest.raises(InvalidInputError, match=sentence), service.rejected_csv("r-1"):
        pytest.fail("the CSV was opened")
    service.close()


def test_status_429_is_unavailable_error(url: str) -> None:
    with pytest.raises(UnavailableError, match="answered 429: This token has sent more than 20"):
        _rows(url, "busy")


@pytest.mark.parametrize(
    ("address", "token", "warned"),
    [
        ("http://127.0.0.1:1", TOKEN, False),
        ("http://localhost:1", TOKEN, False),
        ("http://[::1]:1", TOKEN, False),
        ("https://chats.example:1", TOKEN, False),
        ("http://chats.example:1", None, False),
        ("http://chats.example:1", TOKEN, True),
        ("http://127.0.0.1.example:1", TOKEN, True),
    ],
)
def test_unencrypted_token_to_remote_host_warns(address: str, token: str | None, warned: bool) -> None:
    service = ServiceClient(address, token)
    warning = service.token_warning
    service.close()
    assert (warning is not None) == warned
    assert TOKEN not in (warning or "")


def test_token_file_takes_precedence_over_environment(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\n")
    assert CliSettings({}).http_token is None
    assert CliSettings({"MIGRATION_HTTP_TOKEN": " other "}).http_token == "other"
    assert (
        CliSettings({"MIGRATION_HTTP_TOKEN": "other", "MIGRATION_HTTP_TOKEN_FILE": str(path)}).http_token
        == TOKEN
    )


@pytest.mark.parametrize("token", ["secret one", "secret\nmore", "секрет", "secret\x00"])
def test_invalid_token_is_rejected_without_quoting_it(token: str) -> None:
    with pytest.raises(InvalidInputError, match="MIGRATION_HTTP_TOKEN is not a token") as caught:
        CliSettings({"MIGRATION_HTTP_TOKEN": token}).http_token  # noqa: B018
    assert "secret" not in str(caught.value)


def test_command_sends_token_and_exits_with_2_if_rejected(url: str, tmp_path: Path) -> None:
    environment = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "MIGRATION_HTTP_URL": url}
    good = run_cli("errors", "r-1", cwd=tmp_path, **environment, MIGRATION_HTTP_TOKEN=TOKEN)
    assert (good.returncode, good.stderr) == (ExitCode.OK, "")
    for token in ("", "unknown", "reader"):
        rejected = run_cli("errors", "r-1", cwd=tmp_path, **environment, MIGRATION_HTTP_TOKEN=token)
        assert rejected.returncode == ExitCode.USAGE
        assert "Traceback" not in rejected.stderr
    assert TokenCheckingHandler.seen == [f"Bearer {TOKEN}", None, "Bearer unknown", "Bearer reader"]
