"""Files that nobody has changed for a while."""

import os
import time
from pathlib import Path

AGE_SECONDS = 3600.0


def rested(path: Path, age_seconds: float = AGE_SECONDS) -> Path:
    """The file, last changed so many seconds ago."""
    changed = time.time() - age_seconds
    os.utime(path, (changed, changed))
    return path
