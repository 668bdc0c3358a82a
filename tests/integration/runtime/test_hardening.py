"""Secrets of a process are neither inherited by children nor readable in its memory."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from devstack.accounts import server_account
from tests.support.doc_pages import ROOT
from tests.support.wait import wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is neither /proc nor prctl")

SECRET = "postgresql://u:s3cret@127.0.0.1:1/nowhere"
BECOME_SCRIPT = """
import ctypes, os
from consumer.runtime import hardening

def become(uid):
    if os.geteuid() == 0:  # root may read everything
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        ctypes.CDLL(None).prctl(hardening.PR_SET_DUMPABLE, 1, 0, 0, 0)  # as it is behind an exec
"""
CHILD_SCRIPT = f"""{BECOME_SCRIPT}
import sys
from consumer.extract.__main__ import main

become(int(sys.argv[1]))
main()
"""
LOOK_SCRIPT = f"""{BECOME_SCRIPT}
import json, sys

become(int(sys.argv[2]))
if sys.argv[1] == "hardened":
    hardening.disable_dumping()
if os.fork():
    os.wait()
else:
    found = dict()
    for name in ("environ", "mem", "maps"):
        try:
            open("/proc/%d/%s" % (os.getppid(), name), "rb").close()
            found[name] = "open"
        except OSError as error:
            found[name] = type(error).__name__
    print(json.dumps(found), flush=True)
    os._exit(0)
"""
RUN_SCRIPT = """
import ctypes, os, sys
from consumer import __main__, app

async def run(settings, environment):
    left = [name for name, value in os.environ.items() if "s3cret" in value]
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), left, "s3cret" in settings.database_url.get_secret_value())

app.run = run
sys.argv = ["migration-consumer", "run"]
__main__.main()
"""


def visible_to_child(how: str) -> dict[str, str]:
    """What a child of an unprivileged process can open of that process."""
    account = server_account()
    command = [sys.executable, "-c", LOOK_SCRIPT, how, str(account.uid if account else os.getuid())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_child_cannot_read_memory_of_a_hardened_process() -> None:
    assert visible_to_child("as usual")["environ"] == "open", "what is refused below has to be open here"
    assert visible_to_child("hardened") == dict.fromkeys(("environ", "mem", "maps"), "PermissionError")


@pytest.mark.parametrize(("inspectable", "dumpable"), [("no", 0), ("yes", 1)])
def test_service_hardens_itself_and_clears_its_secrets(
    tmp_path: Path, inspectable: str, dumpable: int
) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": "PLAIN",
        "KAFKA_SASL_USERNAME": "service",
        "KAFKA_SASL_PASSWORD": "s3cret",
        "DATABASE_URL": SECRET,
        "MIGRATION_CONNECTIONS": json.dumps({"admin": SECRET}),
        "MIGRATION_HTTP_COOKIE_KEY": "s3cret" * 6,
        "MIGRATION_INBOX": str(tmp_path),
        "MIGRATION_INSPECTABLE": inspectable,
    }
    command = [sys.executable, "-c", RUN_SCRIPT]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == f"{dumpable} [] True\n", done.stderr


@contextmanager
def waiting_child() -> Iterator[int]:
    """The process id of a child of an unprivileged user that has not got its START frame."""
    account = server_account()
    command = [sys.executable, "-c", CHILD_SCRIPT, str(account.uid if account else os.getuid())]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as process:
        try:
            yield process.pid
            assert process.poll() is None, "it ended before anybody looked"
        finally:
            process.kill()


def is_hardened(pid: int) -> bool:
    """Whether the kernel protects a process from others of its user: its files belong to root."""
    return Path(f"/proc/{pid}/environ").stat().st_uid == 0


def test_child_hardens_itself_before_it_gets_secrets() -> None:
    """A child that a hostile file has taken over runs as the same user."""
    with waiting_child() as pid:
        wait_until(lambda: oom_score(pid) == "800", 30, "its score, which a hardened process cannot write")
        wait_until(lambda: is_hardened(pid), 30, "the child to harden itself")


def oom_score(pid: int) -> str:
    return Path(f"/proc/{pid}/oom_score_adj").read_text().strip()
