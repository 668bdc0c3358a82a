"""Files that do not change while the service runs: entity tags, compression, and caching by version."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cached_property

from fastapi import Request, Response

from consumer.http.headers import MIN_COMPRESSED_BYTES, accepts_gzip

REVALIDATE = "no-cache"
"""Browsers cache the file and revalidate it each time, so that an upgrade shows at once."""
IMMUTABLE = "public, max-age=31536000, immutable"
"""For addresses that name the version: another version has another address (RFC 8246)."""


@dataclass(frozen=True)
class StaticFile:
    """The content of a file and its media type."""

    content: bytes
    media_type: str

    @cached_property
    def version(self) -> str:
        """Changes with the content."""
        return hashlib.sha256(self.content).hexdigest()[:32]

    @cached_property
    def _compressed(self) -> bytes:
        return gzip.compress(self.content, mtime=0)

    def response(self, request: Request) -> Response:
        """The file, or 304 if the client has it; compressed if the client accepts that."""
        is_compressed = len(self.content) >= MIN_COMPRESSED_BYTES and accepts_gzip(request.headers)
        etag = f'"{self.version}{"-gzip" if is_compressed else ""}"'
        is_versioned = request.query_params.get("v") == self.version
        headers = {
            "etag": etag,
            "vary": "accept-encoding",
            "cache-control": IMMUTABLE if is_versioned else REVALIDATE,
        }
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if is_compressed:
            headers["content-encoding"] = "gzip"
        body = self._compressed if is_compressed else self.content
        return Response(body, media_type=self.media_type, headers=headers)
