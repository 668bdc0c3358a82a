"""Jobs for valid requests: one that has ended, and any number of pending or cancelled ones."""

import itertools
import time
import uuid
from typing import Any

import httpx

START = {
    "action": "start",
    "dataset": "chats",
    "source": {"type": "database", "connection": "nowhere"},
}
TOO_MANY_REQUESTS = 429
MAX_POSTS = 10


class JobFactory:
    """Creates jobs over HTTP with its own token. `ended_request_id` names a job that has ended."""

    def __init__(self, url: str, token: str, ended_request_id: str) -> None:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self._client = httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)
        self._counter = itertools.count(1)
        self._used: set[str] = set()
        self.ended_request_id = ended_request_id

    def every_nth(self, number: int) -> bool:
        """True in every `number`-th call."""
        return next(self._counter) % number == 0

    def fresh_request_id(self, candidate: str) -> str:
        """The id if it is unused, else a new one."""
        request_id = str(uuid.uuid4()) if candidate in self._used else candidate
        self._used.add(request_id)
        return request_id

    def make_pending(self) -> str:
        """Create a job that stays pending; returns its request id."""
        job: dict[str, Any] = self._post("/migration/requests", START)
        return str(job["request_id"])

    def make_cancelled(self) -> str:
        """Create a cancelled job; returns its request id."""
        request_id = self.make_pending()
        self._post(f"/migration/jobs/{request_id}/cancel", {})
        return request_id

    def _post(self, path: str, body: Any) -> Any:
        """The response; waits as long as the service asks for where a token has posted too much."""
        for _ in range(MAX_POSTS):
            response = self._client.post(path, json=body)
            if response.status_code != TOO_MANY_REQUESTS:
                break
            time.sleep(float(response.headers["retry-after"]))
        return response.raise_for_status().json()
