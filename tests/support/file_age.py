"""Files with an older modification time."""

import os
import time
from pathlib import Path

DEFAULT_AGE_SECONDS = 3600.0


def with_age(path: Path, age_seconds: float = DEFAULT_AGE_SECONDS) -> Path:
    """The file, last changed so many seconds ago."""
    changed = time.time() - age_seconds
    os.utime(path, (changed, changed))
    return path
