"""`python -m consumer.rejected_workbook`: started by the service, once for each workbook."""

import errno
import json
import os
import sys
from typing import IO

from consumer.errors import DISK_FULL_ERRNOS
from consumer.ipc import FrameType, ProtocolError, read_frame
from consumer.rejected_file.writer_protocol import EXIT_DISK_FULL, EXIT_TOO_LARGE, WorkbookParameters
from consumer.rejected_workbook.workbook import RejectedWorkbook
from consumer.runtime import child_limits
from consumer.xlsx.workbook import WorkbookTooLargeError

MEMORY_BYTES = 512 << 20
"""Address space, of which the libraries that are loaded take most; 155,000 rows use 40 MB of memory."""
CPU_SECONDS = 600
MAX_FILE_BYTES = 1 << 30
NICENESS = 10
"""Jobs and requests come first."""


def main() -> None:
    """Write one workbook to the file on standard output; the exit code says how it ended."""
    child_limits.prepare(inspectable=os.environ.get("MIGRATION_INSPECTABLE") == "yes")
    os.nice(NICENESS)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of libraries must not mix with the workbook
    try:
        complete = _write(sys.stdin.buffer, output)
    except WorkbookTooLargeError:
        os._exit(EXIT_TOO_LARGE)
    except OSError as error:
        os._exit(_exit_code(error))
    os._exit(0 if complete else 1)


def _exit_code(error: OSError) -> int:
    """The exit code after a failed write; raises the error if the reason is none that a user can change."""
    if error.errno == errno.EFBIG:
        return EXIT_TOO_LARGE
    if error.errno in DISK_FULL_ERRNOS:
        return EXIT_DISK_FULL
    raise error


def _write(frames: IO[bytes], output: IO[bytes]) -> bool:
    """Whether the workbook is complete: the service may close the pipe, or end, before its last row."""
    start = read_frame(frames.read)
    if start is None:
        return False
    if start.type is not FrameType.START:
        raise ProtocolError("the first frame is not START")
    child_limits.end_with_parent(start.header["service_pid"])
    child_limits.limit_resources(MEMORY_BYTES, CPU_SECONDS, MAX_FILE_BYTES)
    workbook = RejectedWorkbook(output, WorkbookParameters.from_header(start.header["workbook"]))
    while (frame := read_frame(frames.read)) is not None:
        if frame.type is FrameType.END:
            workbook.close()
            output.close()
            return True
        workbook.write(json.loads(frame.body), frame.header["keys"])
    return False


if __name__ == "__main__":
    main()
