"""Runs one server and stops it when its parent process ends.

The parent writes to standard input: the first line is the JSON of `ServerSpec.as_json`, any further byte
means stop. End of file means that the parent is gone: the server is stopped, and its folder removed when the
spec requests that. Started by path with `python -I`, so it imports nothing but the standard library.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def die_with_watchdog() -> None:
    """On Linux, have the kernel kill this process when the watchdog dies (PR_SET_PDEATHSIG)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, so that Ctrl-C in a terminal does not reach it."""
    account = {"user": spec["uid"], "group": spec["gid"], "extra_groups": []} if "uid" in spec else {}
    with Path(spec["log"]).open("ab") as log:
        return subprocess.Popen(
            spec["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=spec["folder"],
            env={**os.environ, **spec["env"]},
            start_new_session=True,
            preexec_fn=die_with_watchdog,
            **account,
        )


def launch_or_log(spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server; when that fails, write the reason to its log and exit with 127."""
    try:
        return launch(spec)
    except OSError as error:
        Path(spec["log"]).write_text(f"{spec['command'][0]} could not be started: {error}\n")
        sys.exit(127)


def stop(server: subprocess.Popen[bytes], spec: dict[str, Any]) -> None:
    """Send the stop signal; kill the server after `stop_timeout` seconds."""
    if server.poll() is None:
        server.send_signal(spec["signal"])
        server.send_signal(signal.SIGCONT)  # a stopped process handles the signal only after SIGCONT
    killer = threading.Timer(spec["stop_timeout"], server.kill)
    killer.daemon = True
    killer.start()


def stop_on_request_or_eof(
    server: subprocess.Popen[bytes], spec: dict[str, Any], orphaned: threading.Event
) -> None:
    """Wait for a byte or the end of standard input, then stop the server; at its end, set `orphaned`."""
    if not os.read(0, 1):
        orphaned.set()
    stop(server, spec)


def main() -> None:
    """Start the server, write its process id to standard output, wait for its end, and exit with its code."""
    spec = json.loads(read_line())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    server = launch_or_log(spec)
    signal.signal(signal.SIGTERM, lambda *_: stop(server, spec))
    os.write(1, b"%d\n" % server.pid)
    orphaned = threading.Event()
    threading.Thread(target=stop_on_request_or_eof, args=(server, spec, orphaned), daemon=True).start()
    code = server.wait()
    if spec["remove"] and orphaned.is_set():
        shutil.rmtree(spec["folder"], ignore_errors=True)
    os._exit(code if code >= 0 else 128 - code)


def read_line() -> bytes:
    """The first line of standard input, read without buffering the bytes after it."""
    line = bytearray()
    while (byte := os.read(0, 1)) and byte != b"\n":
        line += byte
    return bytes(line)


if __name__ == "__main__":
    main()
