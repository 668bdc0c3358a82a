"""`migration start`: the file goes first, then the request, then perhaps the eyes of who asked."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from messaging.connection import KafkaConnection
from messaging.errors import UploadError
from messaging.topics import ensure_topics
from messaging.uploads import send_file
from producer_cli.events import Fold
from producer_cli.exits import Exit, WrongInput
from producer_cli.listening import listening
from producer_cli.publishing import publish, the_job_goes_on
from producer_cli.requests import outgoing
from producer_cli.run import Afterword
from producer_cli.screens import Screen
from producer_cli.sources import check_file
from producer_cli.watching import show_to_the_end
from schemas.requests import ExcelSource, StartRequest, UploadedFile
from schemas.topics import DEAD_LETTERS, REQUESTS, STATUS, UPLOADS, Topic


@dataclass(frozen=True, slots=True)
class Start:
    """One request to start; `file` is sent before it, where it is here.

    `fresh`: its id was made for it, so no other message can have it.
    """

    connection: KafkaConnection
    request: StartRequest
    file: Path | None
    screen: Screen
    fresh: bool = False

    async def work(self, afterword: Afterword, watch: bool, wait: float | None) -> Exit:
        """Send file and request; then follow the job, or say how to."""
        afterword.sentence = f"Nothing was started. {self._again}"
        self.screen.begin(self._id)
        await ensure_topics(self.connection, self._topics(watch))
        message = outgoing(await self._uploaded())
        if not watch:
            await publish(self.connection, message, self._again, afterword)
            self.screen.note(f"Accepted. Follow it: migration watch {shlex.quote(self._id)}")
            return Exit.OK
        async with listening(self.connection, self._id, past=False, own=message.value) as heard:
            place = await publish(self.connection, message, self._again, afterword)
            afterword.sentence = the_job_goes_on(self._id)
            if not self.fresh:
                heard.ask_after(place)
            return await show_to_the_end(heard, Fold(), self.screen, wait, self._id, published=not self.fresh)

    def _topics(self, watch: bool) -> list[Topic]:
        """What this command uses: a topic that it may not see would look as if it were missing."""
        uploads = [UPLOADS] if self.file is not None else []
        return [REQUESTS, *uploads, *([STATUS, DEAD_LETTERS] if watch else [])]

    @property
    def _id(self) -> str:
        return self.request.request_id or ""

    @property
    def _again(self) -> str:
        return f"The same command with --request-id {shlex.quote(self._id)} can be given again without harm."

    async def _uploaded(self) -> StartRequest:
        """The request with the place of the chunks in it, once they are all in Kafka."""
        source = self.request.source
        if self.file is None or not isinstance(source, ExcelSource):
            return self.request
        name = source.identifier
        try:
            with self.screen.uploading(name, check_file(self.file)) as sent:
                upload = await send_file(self.connection, self.file, name, lambda done, _all: sent(done))
        except UploadError as error:
            raise WrongInput(str(error)) from error
        except OSError as error:
            raise WrongInput(f"{name} can no longer be read; nothing was started.") from error
        file = UploadedFile(upload=upload)
        return self.request.model_copy(update={"source": source.model_copy(update={"file": file})})
