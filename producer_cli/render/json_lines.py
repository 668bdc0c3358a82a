"""`--json`: standard output is one JSON object per line; messages for people go to standard error."""

import json

from producer_cli.events import ReceivedEvent
from producer_cli.render.base import StreamRenderer
from producer_cli.render.summary import hints
from schemas.status import StatusEvent


class JsonRenderer(StreamRenderer):
    """Prints the request id, then each event as it was published."""

    __slots__ = ()

    def on_start(self, request_id: str) -> None:
        """Print `{"request_id": …}`."""
        self._print(json.dumps({"request_id": request_id}, ensure_ascii=False))

    def on_event(self, received: ReceivedEvent) -> None:
        """Print the event."""
        self._print(received.json_line)

    def on_end(self, event: StatusEvent) -> None:
        """Print the hints to standard error; the final event is printed already."""
        for hint in hints(event):
            self.info(hint)
