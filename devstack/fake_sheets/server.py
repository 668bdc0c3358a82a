"""The stand-in as tests and people use it: accounts, spreadsheets, faults, and what was asked."""

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
    """Google Sheets on 127.0.0.1, in threads of its own; a context manager."""

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
        """Cut all connections off, also those that hang; harmless when called again."""
        self.closing.set()
        self._http.shutdown()
        self._thread.join()
        self._http.close_connections()
        self._http.server_close()

    def new_account(self, name: str = "robot", *, own_key: bool = False) -> dict[str, Any]:
        """The JSON of a service account. Accounts share a key, unless one asks for its own (0.3 seconds)."""
        key: AccountKey = new_key() if own_key else shared_key()
        with self._lock:
            return self._accounts.create(name, key)

    def remove_account(self, email: str) -> None:
        """Its assertions and tokens no longer hold."""
        with self._lock:
            self._accounts.remove(email)

    def revoke_tokens(self) -> None:
        """No token given out so far holds any longer."""
        with self._lock:
            self._accounts.revoke_tokens()

    def add_spreadsheet(
        self, id_: str, title: str, worksheets: Iterable[FakeWorksheet], *, shared_with: Collection[str] = ()
    ) -> None:
        """Put a spreadsheet there, also in the place of another."""
        with self._lock:
            self._spreadsheets[id_] = FakeSpreadsheet(id_, title, worksheets, shared_with)

    def remove_spreadsheet(self, id_: str) -> None:
        """The spreadsheet is gone."""
        with self._lock:
            del self._spreadsheets[id_]

    def share(self, id_: str, emails: Collection[str]) -> None:
        """Share it with these alone."""
        with self._lock:
            self._spreadsheets[id_].shared_with = set(emails)

    def edit_worksheet(self, id_: str, title: str, edit: RowEdit) -> None:
        """Edit the rows of a worksheet, in place or by giving others."""
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
        """Order a fault for the next so many requests that `when` is true of; None is all of them."""
        self._faults.inject(fault, times, when)

    def clear_faults(self) -> None:
        """Nothing that was ordered goes wrong any more."""
        self._faults.clear()

    def on_values_request(self, nth: int, callback: Callable[[], object]) -> None:
        """Call `callback` before the nth request for values from now on (1 is the next) is answered."""
        with self._lock:
            self._hooks.append((self._values_requests + nth, callback))

    @property
    def requests(self) -> list[CapturedRequest]:
        """Everything that was asked, in order; a copy."""
        with self._lock:
            return list(self._requests)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._http.open_connections

    def record_request(self, request: CapturedRequest) -> SheetsFault | None:
        """Remember a request; the fault that was ordered for it."""
        with self._lock:
            self._requests.append(request)
            self._values_requests += request.is_values_request
            due = [
                do
                for number, do in self._hooks
                if request.is_values_request and number == self._values_requests
            ]
        for do in due:
            do()
        return self._faults.take_for(request)

    def issue_token(self, form: dict[str, str]) -> ApiResponse:
        """What the token endpoint says."""
        with self._lock:
            return self._accounts.issue_token(form)

    def respond(self, request: CapturedRequest, token: str | None, max_rows: int | None) -> ApiResponse:
        """What the API says."""
        with self._lock:
            email = self._accounts.owner(token)
            return api.respond(request, email, self._spreadsheets, self.url, max_rows)

    def _worksheet(self, id_: str, title: str) -> FakeWorksheet:
        found = self._spreadsheets[id_].worksheet(title)
        if found is None:
            raise KeyError(title)
        return found


class _HttpServer(ThreadingHTTPServer):
    """Joins its threads when it closes, and knows the connections they wait on."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        self._connections: set[socket.socket] = set()
        self._lock = RLock()
        super().__init__(*args)

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        with self._lock:
            return len(self._connections)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a connection."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is no error here."""

    def close_connections(self) -> None:
        """Cut every connection off, so that nobody waits for its next request."""
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # gone already
