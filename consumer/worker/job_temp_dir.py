"""The folder for temporary files of one extraction."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from consumer.errors import disk_error
from consumer.runtime.tempdir import JOB_DIR_PREFIX


@asynccontextmanager
async def job_temp_dir(folder: Path, job_id: int) -> AsyncIterator[Path]:
    """A new folder inside `folder`, removed at the end; raises TransientError if it cannot be made."""
    try:
        temp_dir = Path(tempfile.mkdtemp(prefix=f"{JOB_DIR_PREFIX}{job_id}-", dir=folder))
    except OSError as error:
        raise disk_error(
            error, f"The service cannot make a folder for its files ({type(error).__name__})."
        ) from None
    try:
        yield temp_dir
    finally:
        await asyncio.to_thread(shutil.rmtree, temp_dir, ignore_errors=True)
