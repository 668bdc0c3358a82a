"""One HTTP connection of the stand-in: parses requests, sends responses, applies faults."""

import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Protocol, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit

from devstack.fake_sheets import responses
from devstack.fake_sheets.faults import CapturedRequest, SheetsFault
from devstack.fake_sheets.responses import ApiResponse


class SheetsBackend(Protocol):
    """What a handler needs of the server; implemented by `FakeSheetsServer`."""

    closing: Event
    """Set when the server closes."""

    def record_request(self, request: CapturedRequest) -> SheetsFault | None:
        """Store a request and return the fault that applies to it."""

    def issue_token(self, form: dict[str, str]) -> ApiResponse:
        """The response of the token endpoint."""

    def respond(self, request: CapturedRequest, token: str | None, max_rows: int | None) -> ApiResponse:
        """The response of the Sheets API."""


class SheetsRequestHandler(BaseHTTPRequestHandler):
    """Serves HTTP/1.1 for `backend`."""

    protocol_version = "HTTP/1.1"
    server_version = "ESF"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # buffered: head and body leave together
    backend: SheetsBackend

    def do_GET(self) -> None:
        """Serve metadata and values."""
        self._serve(b"")

    def do_POST(self) -> None:
        """Serve the token endpoint."""
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Log nothing: the server stores every request."""

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        request = CapturedRequest(
            self.command, url.path, parse_qs(url.query, keep_blank_values=True), time.monotonic()
        )
        fault = self.backend.record_request(request) or SheetsFault()
        if fault.hangs:
            self.backend.closing.wait()
            self.close_connection = True
            return
        self._send(
            fault.response or self._regular_response(request, body, fault.max_rows), truncate=fault.cuts
        )

    def _regular_response(self, request: CapturedRequest, body: bytes, max_rows: int | None) -> ApiResponse:
        if request.path == "/token":
            if request.method != "POST":
                return replace(responses.not_found(), status=405)
            return self.backend.issue_token(dict(parse_qsl(body.decode("ascii", "replace"))))
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return self.backend.respond(request, token if kind == "Bearer" else None, max_rows)

    def _send(self, response: ApiResponse, *, truncate: bool) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name.title(), value)
        self.end_headers()
        self.wfile.write(response.body[: len(response.body) // 2] if truncate else response.body)
        self.close_connection = truncate or self.close_connection


def bind_handler(backend: SheetsBackend) -> type[SheetsRequestHandler]:
    """A handler class for this backend: `http.server` creates the handlers itself."""
    return cast(
        "type[SheetsRequestHandler]", type("BoundHandler", (SheetsRequestHandler,), {"backend": backend})
    )
