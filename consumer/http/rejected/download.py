"""A response that is streamed to a client which must read it at a minimum rate."""

from collections.abc import AsyncIterator, Callable, Mapping

import structlog
from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from consumer.http.limits.transfer_rate import MinTransferRate
from consumer.store.rejected_pages import LoadReplacedError

log: structlog.stdlib.BoundLogger = structlog.get_logger("http")


class Download(StreamingResponse):
    """Calls `release` once it is sent or its client has disconnected."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        release: Callable[[], object],
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(content, media_type=media_type, headers=headers)
        self._release = release

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it unless the client reads too slowly: a few such clients would hold every slot."""
        transfer_rate = MinTransferRate()

        async def send_at_min_rate(message: Message) -> None:
            await transfer_rate.wait(send(message), lambda _: len(message.get("body", b"")))

        try:
            await super().__call__(scope, receive, send_at_min_rate)
        except TimeoutError:
            log.info("http.download_stalled", path=scope["path"])
        except LoadReplacedError as replaced:
            log.info("http.download_load_replaced", path=scope["path"], reason=str(replaced))
        finally:
            self._release()
