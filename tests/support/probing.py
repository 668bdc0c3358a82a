"""Both probes of a service, asked all the time from the side, and what they said."""

import threading
import time
from dataclasses import dataclass
from typing import Any, Protocol, Self

import httpx

EVERY_SECONDS = 0.2
NO_ANSWER = 0


class HttpService(Protocol):
    """A running service."""

    @property
    def url(self) -> str:
        """Where it listens."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """What a probe said, and when it was asked, by `time.monotonic()`; status 0 when it did not answer."""

    at: float
    status: int
    body: dict[str, Any]

    @property
    def well(self) -> bool:
        return self.status == 200

    @property
    def stuck(self) -> set[str]:
        """The tasks that `/healthz` names."""
        return set(self.body["detail"].partition(": ")[2].split(", ")) if self.status == 503 else set()

    @property
    def waiting_for(self) -> set[str]:
        """What `/readyz` names."""
        return set(self.body.get("waiting_for", ()))


class Probing:
    """Asks within its context; `alive` and `ready` hold the answers so far."""

    def __init__(self, service: HttpService) -> None:
        self._service = service
        self._stop = threading.Event()
        self._asking = [threading.Thread(target=self._ask, args=one) for one in self._probes()]

    def _probes(self) -> list[tuple[str, list[Answer]]]:
        self.alive: list[Answer] = []
        self.ready: list[Answer] = []
        return [("/healthz", self.alive), ("/readyz", self.ready)]

    def __enter__(self) -> Self:
        for thread in self._asking:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._asking:
            thread.join()

    def _ask(self, path: str, answers: list[Answer]) -> None:
        with httpx.Client(base_url=self._service.url, timeout=5, trust_env=False) as client:
            while not self._stop.wait(EVERY_SECONDS):
                answers.append(_asked(client, path))

    def named(self, task: str) -> Answer | None:
        """The first answer in which `/healthz` named a task."""
        return next((answer for answer in self.alive if task in answer.stuck), None)

    def ready_since(self, moment: float) -> Answer | None:
        """The first answer after a moment in which the service was ready."""
        return next((answer for answer in self.ready if answer.at > moment and answer.well), None)

    def waits_since(self, moment: float) -> Answer | None:
        """The first answer after a moment in which it was not."""
        return next((answer for answer in self.ready if answer.at > moment and not answer.well), None)


def _asked(client: httpx.Client, path: str) -> Answer:
    at = time.monotonic()
    try:
        answer = client.get(path)
    except httpx.HTTPError as error:
        return Answer(at, NO_ANSWER, {"detail": repr(error)})
    return Answer(at, answer.status_code, answer.json())
