"""The stand-in itself: accounts, spreadsheets, faults, and the requests it received."""

import socket
from collections.abc import Callable, Collection, Iterable
from http.server import ThreadingHTTPServer
from threading import Event, RLock, Thread
from typing import Any, Self

from devstack.fake_sheets import api
from devstack.fake_sheets.faults import (
    CapturedRequest,
    FaultPlan,
    RequestPredicate,
    SheetsFault,
    is_api_request,
)
from devstack.fake_sheets.handler import bind_handler
from devstack.fake_sheets.responses import ApiResponse
from devstack.fake_sheets.service_accounts import AccountKey, ServiceAccounts, new_key, shared_key
from devstack.fake_sheets.spreadsheets import FakeSpreadsheet, FakeWorksheet, SheetRows

__all__ = ["CapturedRequest", "FakeSheetsServer", "FakeWorksheet", "SheetsFault"]

RowEdit = Callable[[SheetRows], SheetRows | None]


class FakeSheetsServer:
    """A Sheets API on 127.0.0.1 that runs in threads; a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.closing = Event()
        self._lock = RLock()
        self._requests: list[CapturedRequest] = []
        self._faults = FaultPlan()
        self._hooks: list[tuple[int, Callable[[], object]]] = []
        self._values_requests = 0
        self._spreadsheets: dict[str, FakeSpreadsheet] = {}
        self._http = _HttpServer(("127.0.0.1", port), bind_handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._accounts = ServiceAccounts(f"{self.url}/token")
        self._thread = Thread(target=self._http.serve_forever, args=(0.05,), name="stand-in for Google")
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, hanging ones included; may be called again."""
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.close_connections()
        self._http.server_close()

    def new_account(self, name: str = "robot", *, own_key: bool = False) -> dict[str, Any]:
        """Create a service account and return its JSON. Accounts share a key: generating one takes 0.3 s."""
        key: AccountKey = new_key() if own_key else shared_key()
        with self._lock:
            return self._accounts.create(name, key)

    def remove_account(self, email: str) -> None:
        """Delete an account; its assertions and tokens become invalid."""
        with self._lock:
            self._accounts.remove(email)

    def revoke_tokens(self) -> None:
        """Invalidate all tokens issued so far."""
        with self._lock:
            self._accounts.revoke_tokens()

    def add_spreadsheet(
        self, id_: str, title: str, worksheets: Iterable[FakeWorksheet], *, shared_with: Collection[str] = ()
    ) -> None:
        """Add a spreadsheet, or replace the one of that id."""
        with self._lock:
            self._spreadsheets[id_] = FakeSpreadsheet(id_, title, worksheets, shared_with)

    def remove_spreadsheet(self, id_: str) -> None:
        """Delete a spreadsheet."""
        with self._lock:
            del self._spreadsheets[id_]

    def share(self, id_: str, emails: Collection[str]) -> None:
        """Share a spreadsheet with these accounts only."""
        with self._lock:
            self._spreadsheets[id_].shared_with = set(emails)

    def edit_worksheet(self, id_: str, title: str, edit: RowEdit) -> None:
        """Edit the rows of a worksheet: `edit` changes its argument or returns other rows."""
        with self._lock:
            sheet = self._worksheet(id_, title)
            changed = edit(sheet.rows)
            if changed is not None:
                sheet.rows = [list(row) for row in changed]

    def rename_worksheet(self, id_: str, title: str, new_title: str) -> None:
        """Give a worksheet another title."""
        with self._lock:
            self._worksheet(id_, title).title = new_title

    def inject_fault(
        self, fault: SheetsFault, times: int | None = 1, when: RequestPredicate = is_api_request
    ) -> None:
        """Apply a fault to the next `times` requests that satisfy `when`; None means all of them."""
        self._faults.inject(fault, times, when)

    def clear_faults(self) -> None:
        """Remove all injected faults."""
        self._faults.clear()

    def on_values_request(self, nth: int, callback: Callable[[], object]) -> None:
        """Call `callback` before the response to the nth request for values from now on; 1 is the next."""
        with self._lock:
            self._hooks.append((self._values_requests + nth, callback))

    @property
    def requests(self) -> list[CapturedRequest]:
        """All requests so far, in order; a copy."""
        with self._lock:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return self._http.open_connections

    def record_request(self, request: CapturedRequest) -> SheetsFault | None:
        """Store a request, run the callbacks that are due, and return the fault that applies to it."""
        with self._lock:
            self._requests.append(request)
            self._values_requests += request.is_values_request
            due = [
                callback
                for number, callback in self._hooks
                if request.is_values_request and number == self._values_requests
            ]
        for callback in due:
            callback()
        return self._faults.take_for(request)

    def issue_token(self, form: dict[str, str]) -> ApiResponse:
        """The response of the token endpoint."""
        with self._lock:
            return self._accounts.issue_token(form)

    def respond(self, request: CapturedRequest, token: str | None, max_rows: int | None) -> ApiResponse:
        """The response of the Sheets API."""
        with self._lock:
            email = self._accounts.owner(token)
            return api.respond(request, email, self._spreadsheets, self.url, max_rows)

    def _worksheet(self, id_: str, title: str) -> FakeWorksheet:
        sheet = self._spreadsheets[id_].worksheet(title)
        if sheet is None:
            raise KeyError(title)
        return sheet


class _HttpServer(ThreadingHTTPServer):
    """Tracks its open connections, so that they can be shut down, and joins its threads when it closes."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        self._connections: set[socket.socket] = set()
        self._lock = RLock()
        super().__init__(*args)

    @property
    def open_connections(self) -> int:
        """Number of open connections."""
        with self._lock:
            return len(self._connections)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Track a new connection."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a closed connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: a client may disconnect at any time."""

    def close_connections(self) -> None:
        """Shut down every connection, which ends the threads that wait for its next request."""
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # already closed
