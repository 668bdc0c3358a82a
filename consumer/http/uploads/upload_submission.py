"""Uploads the file of a request and submits it; a request that is recorded already is only compared."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from consumer.http.requests.bodies import ExcelForm
from consumer.http.requests.idempotency import resolve_id
from consumer.http.requests.start_request import require_dataset
from consumer.http.submission.submitter import RequestSubmitter, StartResult
from consumer.http.uploads.sinks import FileSink, HashingSink
from consumer.store.recorded_requests import RecordedRequest
from schemas.requests import StartRequest

OpenUpload = Callable[[], Awaitable[FileSink]]
"""Begins an upload on `migration.uploads`; raises KafkaUnavailableError."""


class UploadSubmission:
    """One upload. `key` is the header `Idempotency-Key`."""

    def __init__(
        self, submitter: RequestSubmitter, open_upload: OpenUpload, datasets: Collection[str], key: str | None
    ) -> None:
        self._datasets = datasets
        self._submitter = submitter
        self._open_upload = open_upload
        self._key = key
        self._recorded: RecordedRequest | None = None

    async def open(self, fields: Mapping[str, str]) -> FileSink:
        """The sink for the file; `fields` are the form fields that came before it. Raises ProblemError."""
        early = ExcelForm.parse(fields)
        require_dataset(early.dataset, self._datasets)
        if self._key or early.request_id:
            request_id = resolve_id(self._key, early.request_id, "request_id")
            self._recorded = await self._submitter.find_recorded(request_id)
        return HashingSink() if self._recorded else await self._open_upload()

    async def submit(self, request: StartRequest, traceparent: str | None) -> StartResult:
        """Publish the request, or compare it with the recorded one if its file was not sent."""
        if self._recorded is not None:
            # The upload may have taken minutes, so the job is read again, unless Postgres is unavailable.
            recorded = await self._submitter.find_recorded(request.request_id or "") or self._recorded
            return self._submitter.resolve_duplicate(recorded, request)
        return await self._submitter.submit_start(request, traceparent)
