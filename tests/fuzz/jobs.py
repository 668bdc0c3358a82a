"""Jobs for valid requests: one that has ended, and as many as are asked for that wait or are cancelled."""

import itertools
import uuid
from typing import Any

import httpx

START = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "database", "connection": "nowhere"},
}


class JobFactory:
    """Makes them over HTTP, under a token of its own. `ended` is the request id of a job that has ended."""

    def __init__(self, url: str, token: str, ended_request_id: str) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
        self._counter = itertools.count(1)
        self._used: set[str] = set()
        self.ended_request_id = ended_request_id

    def every_nth(self, number: int) -> bool:
        """True once in so many calls."""
        return next(self._counter) % number == 0

    def fresh_request_id(self, wanted: str) -> str:
        """The id that is wanted, or a new one where it was used before."""
        found = str(uuid.uuid4()) if wanted in self._used else wanted
        self._used.add(found)
        return found

    def make_pending(self) -> str:
        """The request id of a new job that waits."""
        job: dict[str, Any] = self._post("/migration/requests", START)
        return str(job["request_id"])

    def make_cancelled(self) -> str:
        """The request id of a new job that was cancelled."""
        request_id = self.make_pending()
        self._post(f"/migration/jobs/{request_id}/cancel", {})
        return request_id

    def _post(self, path: str, body: Any) -> Any:
        return self._client.post(path, json=body).raise_for_status().json()
