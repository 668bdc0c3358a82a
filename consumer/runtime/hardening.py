"""Keeps other processes of the same user out of this one's memory: children read files of strangers.

A file that takes a child over could read the environment and memory of the service and of other children in
`/proc` otherwise, or attach to them as a debugger does, and so have their passwords.
"""

import ctypes
import os
import sys

PR_SET_DUMPABLE = 4
"""prctl(2): what is not dumpable has its `/proc/PID` owned by root, takes no debugger, and leaves no core."""


def disable_dumping() -> None:
    """Make this process not dumpable; an exec ends that, so each child has to do it, too.

    Does nothing outside of Linux. Raises OSError where the kernel refuses.
    """
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
