"""One connection of the stand-in: requests in, answers out, and the faults that were ordered."""

import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit

from devstack.sheets import bodies
from devstack.sheets.bodies import Answer
from devstack.sheets.faults import Asked, Fault

if TYPE_CHECKING:
    from devstack.sheets.server import SheetsServer


class Handler(BaseHTTPRequestHandler):
    """Speaks HTTP/1.1 for `google`, the server it belongs to."""

    protocol_version = "HTTP/1.1"
    server_version = "ESF"
    sys_version = ""
    disable_nagle_algorithm = True
    wbufsize = -1  # the head goes out together with the body
    google: "SheetsServer"

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
        asked = Asked(self.command, url.path, parse_qs(url.query, keep_blank_values=True), time.monotonic())
        fault = self.google.note(asked) or Fault()
        if fault.hangs:
            self.google.closing.wait()
            self.close_connection = True
            return
        self._send(fault.answer or self._right(asked, body, fault.rows), cut=fault.cuts)

    def _right(self, asked: Asked, body: bytes, most_rows: int | None) -> Answer:
        if asked.path == "/token":
            if asked.method != "POST":
                return replace(bodies.not_found(), status=405)
            return self.google.grant(dict(parse_qsl(body.decode("ascii", "replace"))))
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return self.google.answer(asked, token if kind == "Bearer" else None, most_rows)

    def _send(self, answer: Answer, *, cut: bool) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name.title(), value)
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if cut else answer.body)
        self.close_connection = cut or self.close_connection


def handler(google: "SheetsServer") -> type[Handler]:
    """A class of handlers that belong to this server."""
    return cast("type[Handler]", type("BoundHandler", (Handler,), {"google": google}))
