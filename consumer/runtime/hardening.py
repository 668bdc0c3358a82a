"""Keeps other processes of the same user out of this one's memory: children parse untrusted files.

Otherwise a file that takes over a child could read the environment and memory of the service and of other
children in `/proc`, or attach to them as a debugger, and so obtain their passwords.
"""

import ctypes
import os
import sys

PR_SET_DUMPABLE = 4
"""prctl(2): without it, `/proc/PID` belongs to root, no debugger can attach, and no core is dumped."""


def disable_dumping() -> None:
    """Make this process not dumpable. An exec resets that, so each child has to call it, too.

    Does nothing outside of Linux. Raises OSError if the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
