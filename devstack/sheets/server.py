"""The stand-in as tests and people use it: accounts, spreadsheets, faults, and what was asked."""

import socket
from collections.abc import Callable, Collection, Iterable
from http.server import ThreadingHTTPServer
from threading import Event, RLock, Thread
from typing import Any, Self

from devstack.sheets import api
from devstack.sheets.accounts import Accounts, Key, new_key, usual_key
from devstack.sheets.bodies import Answer
from devstack.sheets.book import Rows, Spreadsheet, Worksheet
from devstack.sheets.faults import Asked, Fault, Plan, When, of_the_api
from devstack.sheets.handler import handler

__all__ = ["Asked", "Fault", "SheetsServer", "Worksheet"]

Edit = Callable[[Rows], Rows | None]


class SheetsServer:
    """Google Sheets on 127.0.0.1, in threads of its own; a context manager."""

    def __init__(self, port: int = 0) -> None:
        self.closing = Event()
        self._lock = RLock()
        self._asked: list[Asked] = []
        self._plan = Plan()
        self._hooks: list[tuple[int, Callable[[], object]]] = []
        self._values_asked = 0
        self._spreadsheets: dict[str, Spreadsheet] = {}
        self._http = _Server(("127.0.0.1", port), handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._accounts = Accounts(f"{self.url}/token")
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
        self._http.hang_up()
        self._http.server_close()

    def new_account(self, name: str = "robot", *, own_key: bool = False) -> dict[str, Any]:
        """The JSON of a service account. Accounts share a key, unless one asks for its own (0.3 seconds)."""
        key: Key = new_key() if own_key else usual_key()
        with self._lock:
            return self._accounts.new(name, key)

    def remove_account(self, email: str) -> None:
        """Its assertions and tokens no longer hold."""
        with self._lock:
            self._accounts.remove(email)

    def revoke_tokens(self) -> None:
        """No token given out so far holds any longer."""
        with self._lock:
            self._accounts.revoke()

    def add(
        self, id_: str, title: str, worksheets: Iterable[Worksheet], *, shared_with: Collection[str] = ()
    ) -> None:
        """Put a spreadsheet there, also in the place of another."""
        with self._lock:
            self._spreadsheets[id_] = Spreadsheet(id_, title, worksheets, shared_with)

    def remove(self, id_: str) -> None:
        """The spreadsheet is gone."""
        with self._lock:
            del self._spreadsheets[id_]

    def share(self, id_: str, emails: Collection[str]) -> None:
        """Share it with these alone."""
        with self._lock:
            self._spreadsheets[id_].shared_with = set(emails)

    def change(self, id_: str, title: str, edit: Edit) -> None:
        """Edit the rows of a worksheet, in place or by giving others."""
        with self._lock:
            sheet = self._worksheet(id_, title)
            changed = edit(sheet.rows)
            if changed is not None:
                sheet.rows = [list(row) for row in changed]

    def rename(self, id_: str, title: str, other: str) -> None:
        """Give a worksheet another title."""
        with self._lock:
            self._worksheet(id_, title).title = other

    def fail(self, fault: Fault, times: int | None = 1, when: When = of_the_api) -> None:
        """Order a fault for the next so many requests that `when` is true of; None is all of them."""
        self._plan.order(fault, times, when)

    def mend(self) -> None:
        """Nothing that was ordered goes wrong any more."""
        self._plan.clear()

    def before_values(self, nth: int, do: Callable[[], object]) -> None:
        """Call `do` before the nth request for values from now on (1 is the next) is answered."""
        with self._lock:
            self._hooks.append((self._values_asked + nth, do))

    @property
    def requests(self) -> list[Asked]:
        """Everything that was asked, in order; a copy."""
        with self._lock:
            return list(self._asked)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return self._http.open_connections

    def note(self, asked: Asked) -> Fault | None:
        """Remember a request; the fault that was ordered for it."""
        with self._lock:
            self._asked.append(asked)
            self._values_asked += asked.for_values
            due = [do for number, do in self._hooks if asked.for_values and number == self._values_asked]
        for do in due:
            do()
        return self._plan.take(asked)

    def grant(self, form: dict[str, str]) -> Answer:
        """What the token endpoint says."""
        with self._lock:
            return self._accounts.grant(form)

    def answer(self, asked: Asked, token: str | None, most_rows: int | None) -> Answer:
        """What the API says."""
        with self._lock:
            email = self._accounts.owner(token)
            return api.answer(asked, email, self._spreadsheets, self.url, most_rows)

    def _worksheet(self, id_: str, title: str) -> Worksheet:
        found = self._spreadsheets[id_].worksheet(title)
        if found is None:
            raise KeyError(title)
        return found


class _Server(ThreadingHTTPServer):
    """Joins its threads when it closes, and knows the connections they wait on."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        self._open: set[socket.socket] = set()
        self._guard = RLock()
        super().__init__(*args)

    @property
    def open_connections(self) -> int:
        """How many there are now."""
        with self._guard:
            return len(self._open)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a connection."""
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves in the middle is no error here."""

    def hang_up(self) -> None:
        """Cut every connection off, so that nobody waits for its next request."""
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # gone already
