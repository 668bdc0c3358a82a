"""Runs one server and ends it when whoever asked for it is gone.

The caller holds the other end of standard input: its first line says what to run, any more means stop.
When it closes without a word, the caller is gone: the server is stopped and its folder removed where that was
asked for. Runs alone, on the standard library.
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
    """Have Linux kill this process when the guard itself is killed; elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(spec: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, so that a terminal's Ctrl-C passes it by."""
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
    """Start the server; where that is impossible its log says why."""
    try:
        return launch(spec)
    except OSError as error:
        Path(spec["log"]).write_text(f"{spec['command'][0]} could not be started: {error}\n")
        sys.exit(127)


def stop(server: subprocess.Popen[bytes], spec: dict[str, Any]) -> None:
    """Ask the server to end; kill it when it takes longer than the order allows."""
    if server.poll() is None:
        server.send_signal(spec["signal"])
        server.send_signal(signal.SIGCONT)  # a paused one must wake up to end
    late = threading.Timer(spec["patience"], server.kill)
    late.daemon = True
    late.start()


def stop_on_request_or_eof(
    server: subprocess.Popen[bytes], spec: dict[str, Any], orphaned: threading.Event
) -> None:
    """Wait for a word on standard input or for its end, then stop the server."""
    if not os.read(0, 1):
        orphaned.set()
    stop(server, spec)


def main() -> None:
    """Follow the order given as a line of JSON: start, say the server's process id, wait, tidy up."""
    order = json.loads(read_line())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    server = launch_or_log(order)
    signal.signal(signal.SIGTERM, lambda *_: stop(server, order))
    os.write(1, b"%d\n" % server.pid)
    left_alone = threading.Event()
    threading.Thread(target=stop_on_request_or_eof, args=(server, order, left_alone), daemon=True).start()
    code = server.wait()
    if order["remove"] and left_alone.is_set():
        shutil.rmtree(order["folder"], ignore_errors=True)
    os._exit(code if code >= 0 else 128 - code)


def read_line() -> bytes:
    """The first line of standard input, without reading ahead."""
    line = bytearray()
    while (byte := os.read(0, 1)) and byte != b"\n":
        line += byte
    return bytes(line)


if __name__ == "__main__":
    main()
