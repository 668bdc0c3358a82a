"""Files that travel through `migration.uploads` in chunks."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.integers import MAX_INT32, MAX_OFFSET, StrictWholeNumber
from schemas.names import LongName, Name

CHUNK_BYTES = 512 * 1024

HEADER_INDEX = "chunk-index"
HEADER_COUNT = "chunk-count"
HEADER_SHA256 = "chunk-sha256"
"""Headers of a chunk: its number from 0; how many there are, on the last chunk only, since the size of a file
that is still arriving is unknown (older senders put it on every chunk); SHA-256 of its own bytes (hex)."""


class Upload(BaseModel):
    """Where the chunks of one file lie; other uploads may lie between them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upload_id: Name = Field(description="the key of every chunk")
    partition: StrictWholeNumber = Field(ge=0, le=MAX_INT32, description="of `migration.uploads`")
    first_offset: StrictWholeNumber = Field(ge=0, le=MAX_OFFSET, description="of the first chunk")
    last_offset: StrictWholeNumber = Field(ge=0, le=MAX_OFFSET, description="of the last chunk")
    chunks: StrictWholeNumber = Field(ge=1, description="how many there are")
    size: StrictWholeNumber = Field(ge=1, description="bytes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the whole file")
    name: LongName = Field(description="what a person calls the file")

    @model_validator(mode="after")
    def _range_holds_chunks(self) -> Self:
        if self.last_offset - self.first_offset + 1 < self.chunks:
            raise ValueError("first_offset and last_offset leave no room for the chunks")
        return self
