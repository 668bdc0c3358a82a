"""Samples both probes of a service from threads, and keeps the responses."""

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
        """Where it listens."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeResponse:
    """The response of a probe; `at` is when it was asked by `time.monotonic()`, status 0 is no answer."""

    at: float
    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def stalled_tasks(self) -> set[str]:
        """The tasks that `/healthz` names."""
        return set(self.body["detail"].partition(": ")[2].split(", ")) if self.status == 503 else set()

    @property
    def waiting_for(self) -> set[str]:
        """What `/readyz` names."""
        return set(self.body.get("waiting_for", ()))


class ProbeRecorder:
    """Asks within its context; `alive` and `ready` hold the answers so far."""

    def __init__(self, service: ProbedService) -> None:
        self._service = service
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._poll, args=one) for one in self._probes()]

    def _probes(self) -> list[tuple[str, list[ProbeResponse]]]:
        self.liveness: list[ProbeResponse] = []
        self.readiness: list[ProbeResponse] = []
        return [("/healthz", self.liveness), ("/readyz", self.readiness)]

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
        """The first answer in which `/healthz` named a task."""
        return next((answer for answer in self.liveness if task in answer.stalled_tasks), None)

    def first_ready_after(self, moment: float) -> ProbeResponse | None:
        """The first answer after a moment in which the service was ready."""
        return next((answer for answer in self.readiness if answer.at > moment and answer.ok), None)

    def first_unready_after(self, moment: float) -> ProbeResponse | None:
        """The first answer after a moment in which it was not."""
        return next((answer for answer in self.readiness if answer.at > moment and not answer.ok), None)


def _probe(client: httpx.Client, path: str) -> ProbeResponse:
    at = time.monotonic()
    try:
        answer = client.get(path)
    except httpx.HTTPError as error:
        return ProbeResponse(at, NO_RESPONSE, {"detail": repr(error)})
    return ProbeResponse(at, answer.status_code, answer.json())
