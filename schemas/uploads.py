"""Files in chunks on `migration.uploads`."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.integers import MAX_INT32, MAX_OFFSET, StrictWholeNumber
from schemas.names import LongName, Name

CHUNK_BYTES = 512 * 1024

HEADER_INDEX = "chunk-index"
HEADER_COUNT = "chunk-count"
HEADER_SHA256 = "chunk-sha256"
"""Headers of a chunk: its number, counted from 0; the number of chunks; SHA-256 (hex) of its bytes.

The number of chunks is on the last chunk only, since the size of a file that is still arriving is unknown;
older senders set it on every chunk.
"""


class Upload(BaseModel):
    """Location of the chunks of one file in `migration.uploads`; chunks of other files may be in between."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    upload_id: Name = Field(description="the key of every chunk")
    partition: StrictWholeNumber = Field(ge=0, le=MAX_INT32, description="partition of `migration.uploads`")
    first_offset: StrictWholeNumber = Field(ge=0, le=MAX_OFFSET, description="offset of the first chunk")
    last_offset: StrictWholeNumber = Field(ge=0, le=MAX_OFFSET, description="offset of the last chunk")
    chunks: StrictWholeNumber = Field(ge=1, description="number of chunks")
    size: StrictWholeNumber = Field(ge=1, description="size of the file in bytes")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 (hex) of the whole file")
    name: LongName = Field(description="name of the file, for people")

    @model_validator(mode="after")
    def _range_holds_chunks(self) -> Self:
        if self.last_offset - self.first_offset + 1 < self.chunks:
            raise ValueError("first_offset to last_offset is a range too short for the number of chunks")
        return self
