"""Polls `/healthz` and `/readyz` of a service from threads, and keeps the responses."""

import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol, Self

import httpx

INTERVAL_SECONDS = 0.2
NO_RESPONSE = 0


class ProbedService(Protocol):
    """A running service."""

    @property
    def url(self) -> str:
        """Address of its HTTP side."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeResponse:
    """The response of a probe; `at` is the `time.monotonic()` of the request, status 0 means no response."""

    at: float
    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the status is 200."""
        return self.status == 200

    @property
    def stalled_tasks(self) -> set[str]:
        """The stalled tasks in a 503 response of `/healthz`."""
        return set(self.body["detail"].partition(": ")[2].split(", ")) if self.status == 503 else set()

    @property
    def waiting_for(self) -> set[str]:
        """The failing checks in a response of `/readyz`."""
        return set(self.body.get("waiting_for", ()))


class ProbeRecorder:
    """Polls within its context; `liveness` and `readiness` are the responses of the two probes so far."""

    def __init__(self, service: ProbedService) -> None:
        self._service = service
        self._stop = threading.Event()
        self.liveness: list[ProbeResponse] = []
        self.readiness: list[ProbeResponse] = []
        probes = [("/healthz", self.liveness), ("/readyz", self.readiness)]
        self._threads = [threading.Thread(target=self._poll, args=probe) for probe in probes]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, path: str, responses: list[ProbeResponse]) -> None:
        with httpx.Client(base_url=self._service.url, timeout=5, trust_env=False) as client:
            while not self._stop.wait(INTERVAL_SECONDS):
                responses.append(_probe(client, path))

    def first_naming(self, task: str) -> ProbeResponse | None:
        """The first response in which `/healthz` names this task."""
        return next((response for response in self.liveness if task in response.stalled_tasks), None)

    def first_ready_after(self, moment: float) -> ProbeResponse | None:
        """The first response after this time with the service ready."""
        return next((response for response in self._since(moment) if response.ok), None)

    def first_unready_after(self, moment: float) -> ProbeResponse | None:
        """The first response after this time with the service not ready."""
        return next((response for response in self._since(moment) if not response.ok), None)

    def _since(self, moment: float) -> list[ProbeResponse]:
        return [response for response in self.readiness if response.at > moment]


def _probe(client: httpx.Client, path: str) -> ProbeResponse:
    at = time.monotonic()
    try:
        response = client.get(path)
    except httpx.HTTPError as error:
        return ProbeResponse(at, NO_RESPONSE, {"detail": repr(error)})
    return ProbeResponse(at, response.status_code, response.json())
