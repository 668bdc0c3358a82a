"""Runs one server and ends it when whoever asked for it is gone.

The caller holds the other end of standard input: when that closes, because the caller asked, ended or was
killed, the server is stopped. Runs alone, on the standard library, as `python -I guard.py ORDER CALLER`.
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


def die_with_guard() -> None:
    """Have Linux kill this process when the guard itself is killed; elsewhere nothing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def launch(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    """Start the server in a session of its own, so that a terminal's Ctrl-C passes it by."""
    account = {"user": order["uid"], "group": order["gid"], "extra_groups": []} if "uid" in order else {}
    with Path(order["log"]).open("ab") as log:
        return subprocess.Popen(
            order["command"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=order["folder"],
            env=order["env"],
            start_new_session=True,
            preexec_fn=die_with_guard,
            **account,
        )


def stop(server: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    """Ask the server to end; kill it when it takes longer than the order allows."""
    if server.poll() is None:
        server.send_signal(order["signal"])
    late = threading.Timer(order["patience"], server.kill)
    late.daemon = True
    late.start()


def stop_when_left_alone(server: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    """Wait for the end of standard input, then stop the server."""
    while os.read(0, 1024):
        pass
    stop(server, order)


def main() -> None:
    """Follow the order given as JSON: start, say the server's process id, wait, tidy up."""
    order = json.loads(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    server = launch(order)
    signal.signal(signal.SIGTERM, lambda *_: stop(server, order))
    os.write(1, b"%d\n" % server.pid)
    threading.Thread(target=stop_when_left_alone, args=(server, order), daemon=True).start()
    code = server.wait()
    if order["remove"] and left_alone():
        shutil.rmtree(order["folder"], ignore_errors=True)
    os._exit(code if code >= 0 else 128 - code)


def left_alone() -> bool:
    """Whether the caller is gone: this process then has another parent."""
    return os.getppid() != int(sys.argv[2])


if __name__ == "__main__":
    main()
