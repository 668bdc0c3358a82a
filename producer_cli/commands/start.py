"""`migration start`: upload the file, publish the request, and follow the job if requested."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from messaging.connection import KafkaConnection
from messaging.errors import UploadError
from messaging.topics import ensure_topics
from messaging.upload import send_file
from producer_cli.commands.watch import follow_to_end
from producer_cli.errors import ExitCode, InvalidInputError
from producer_cli.events import RunTracker
from producer_cli.kafka.event_stream import open_event_stream
from producer_cli.kafka.publishing import publish
from producer_cli.render.base import Renderer
from producer_cli.requests import to_record
from producer_cli.runner import InterruptHint, job_continues_hint
from producer_cli.source_arguments import check_file
from schemas.requests import ExcelSource, StartRequest, UploadedFile
from schemas.topics import DEAD_LETTERS, REQUESTS, STATUS, UPLOADS, Topic


@dataclass(frozen=True, slots=True)
class StartCommand:
    """Publishes one request; a local `file` is uploaded first.

    `generated_id`: the request id is new, so no other message can have it.
    """

    connection: KafkaConnection
    request: StartRequest
    file: Path | None
    renderer: Renderer
    generated_id: bool = False

    async def run(self, interrupt_hint: InterruptHint, watch: bool, wait: float | None) -> ExitCode:
        """Upload the file and publish the request; then follow the job, or print how to follow it."""
        interrupt_hint.message = f"Nothing was started. {self._retry_hint}"
        self.renderer.on_start(self._id)
        await ensure_topics(self.connection, self._topics(watch))
        message = to_record(await self._upload())
        if not watch:
            await publish(self.connection, message, self._retry_hint, interrupt_hint)
            self.renderer.info(f"Accepted. Follow it: migration watch {shlex.quote(self._id)}")
            return ExitCode.OK
        async with open_event_stream(
            self.connection, self._id, from_beginning=False, sent_value=message.value
        ) as stream:
            position = await publish(self.connection, message, self._retry_hint, interrupt_hint)
            interrupt_hint.message = job_continues_hint(self._id)
            if not self.generated_id:
                stream.track_commit(position)
            return await follow_to_end(
                stream, RunTracker(), self.renderer, wait, self._id, await_commit=not self.generated_id
            )

    def _topics(self, watch: bool) -> list[Topic]:
        """The topics used: Kafka reports a topic that the user may not see as missing."""
        uploads = [UPLOADS] if self.file is not None else []
        return [REQUESTS, *uploads, *([STATUS, DEAD_LETTERS] if watch else [])]

    @property
    def _id(self) -> str:
        return self.request.request_id or ""

    @property
    def _retry_hint(self) -> str:
        return f"The same command with --request-id {shlex.quote(self._id)} can safely be repeated."

    async def _upload(self) -> StartRequest:
        """Upload the file; return the request with the position of its chunks in Kafka."""
        source = self.request.source
        if self.file is None or not isinstance(source, ExcelSource):
            return self.request
        name = source.identifier
        try:
            with self.renderer.upload_progress(name, check_file(self.file)) as report_sent:
                upload = await send_file(
                    self.connection, self.file, name, lambda sent, _total: report_sent(sent)
                )
        except UploadError as error:
            raise InvalidInputError(str(error)) from error
        except OSError as error:
            raise InvalidInputError(f"{name} can no longer be read; nothing was started.") from error
        file = UploadedFile(upload=upload)
        return self.request.model_copy(update={"source": source.model_copy(update={"file": file})})
