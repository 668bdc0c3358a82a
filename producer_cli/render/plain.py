"""Output to a pipe: one line of text per change; messages for people go to standard error."""

from producer_cli.events import ReceivedEvent
from producer_cli.render.base import StreamRenderer
from producer_cli.render.event_line import event_line
from producer_cli.render.summary import headline, hints, summary, summary_table
from schemas.status import StatusEvent


class LineRenderer(StreamRenderer):
    """Prints the request id, then one line per event."""

    __slots__ = ()

    def on_start(self, request_id: str) -> None:
        """Print the id alone, so that a script can read it."""
        self._print(request_id)

    def on_event(self, received: ReceivedEvent) -> None:
        """Print the event as one line."""
        self._print(event_line(received.event))

    def on_end(self, event: StatusEvent) -> None:
        """Print the summary and the hints to standard error."""
        self.err.print(headline(event), soft_wrap=True)
        self.err.print(summary_table(summary(event)))
        for hint in hints(event):
            self.info(hint)
