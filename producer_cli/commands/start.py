"""`migration start`: the file goes first, then the request, then perhaps the eyes of who asked."""

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
    """One request to start; `file` is sent before it, where it is here.

    `generated_id`: its id was made for it, so no other message can have it.
    """

    connection: KafkaConnection
    request: StartRequest
    file: Path | None
    renderer: Renderer
    generated_id: bool = False

    async def run(self, interrupt_hint: InterruptHint, watch: bool, wait: float | None) -> ExitCode:
        """Send file and request; then follow the job, or say how to."""
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
        ) as heard:
            place = await publish(self.connection, message, self._retry_hint, interrupt_hint)
            interrupt_hint.message = job_continues_hint(self._id)
            if not self.generated_id:
                heard.track_commit(place)
            return await follow_to_end(
                heard, RunTracker(), self.renderer, wait, self._id, await_commit=not self.generated_id
            )

    def _topics(self, watch: bool) -> list[Topic]:
        """What this command uses: a topic that it may not see would look as if it were missing."""
        uploads = [UPLOADS] if self.file is not None else []
        return [REQUESTS, *uploads, *([STATUS, DEAD_LETTERS] if watch else [])]

    @property
    def _id(self) -> str:
        return self.request.request_id or ""

    @property
    def _retry_hint(self) -> str:
        return f"The same command with --request-id {shlex.quote(self._id)} can be given again without harm."

    async def _upload(self) -> StartRequest:
        """The request with the place of the chunks in it, once they are all in Kafka."""
        source = self.request.source
        if self.file is None or not isinstance(source, ExcelSource):
            return self.request
        name = source.identifier
        try:
            with self.renderer.upload_progress(name, check_file(self.file)) as sent:
                upload = await send_file(self.connection, self.file, name, lambda done, _all: sent(done))
        except UploadError as error:
            raise InvalidInputError(str(error)) from error
        except OSError as error:
            raise InvalidInputError(f"{name} can no longer be read; nothing was started.") from error
        file = UploadedFile(upload=upload)
        return self.request.model_copy(update={"source": source.model_copy(update={"file": file})})
