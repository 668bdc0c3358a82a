"""One connection of the stand-in: requests in, answers out, and the faults that were ordered."""

import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit

from devstack.fake_sheets import responses
from devstack.fake_sheets.faults import CapturedRequest, SheetsFault
from devstack.fake_sheets.responses import ApiResponse

if TYPE_CHECKING:
    from devstack.fake_sheets.server import FakeSheetsServer


class SheetsRequestHandler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 for `google`, the server it belongs to."""

    protocol_version = "HTTP/1.1"
    server_version = "ESF"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # the head goes out together with the body
    google: "FakeSheetsServer"

    def do_GET(self) -> None:
        """Metadata and values."""
        self._serve(b"")

    def do_POST(self) -> None:
        """A token."""
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing; `requests` of the server has it all."""

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        asked = CapturedRequest(
            self.command, url.path, parse_qs(url.query, keep_blank_values=True), time.monotonic()
        )
        fault = self.google.record_request(asked) or SheetsFault()
        if fault.hangs:
            self.google.closing.wait()
            self.close_connection = True
            return
        self._send(fault.response or self._regular_response(asked, body, fault.max_rows), truncate=fault.cuts)

    def _regular_response(self, request: CapturedRequest, body: bytes, max_rows: int | None) -> ApiResponse:
        if request.path == "/token":
            if request.method != "POST":
                return replace(responses.not_found(), status=405)
            return self.google.issue_token(dict(parse_qsl(body.decode("ascii", "replace"))))
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return self.google.respond(request, token if kind == "Bearer" else None, max_rows)

    def _send(self, response: ApiResponse, *, truncate: bool) -> None:
        self.send_response(response.status)
        self.send_header("Content-Type", response.content_type)
        self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            self.send_header(name.title(), value)
        self.end_headers()
        self.wfile.write(response.body[: len(response.body) // 2] if truncate else response.body)
        self.close_connection = truncate or self.close_connection


def bind_handler(google: "FakeSheetsServer") -> type[SheetsRequestHandler]:
    """A class of handlers that belong to this server."""
    return cast(
        "type[SheetsRequestHandler]", type("BoundHandler", (SheetsRequestHandler,), {"google": google})
    )
