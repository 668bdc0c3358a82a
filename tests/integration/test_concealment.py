"""The service's secrets are its own: neither inherited by other processes nor read from its memory."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devstack.unprivileged import account_for_servers
from tests.support.pages import ROOT

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is neither /proc nor prctl")

SECRET = "postgresql://u:s3cret@127.0.0.1:1/nowhere"
LOOK = """
import ctypes, json, os, sys
from consumer import concealment

uid = int(sys.argv[2])
if os.geteuid() == 0:  # root may look into everything
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    ctypes.CDLL(None).prctl(concealment.PR_SET_DUMPABLE, 1, 0, 0, 0)  # as it is behind an exec
if sys.argv[1] == "concealed":
    concealment.conceal()
if os.fork():
    os.wait()
else:
    found = {}
    for name in ("environ", "mem", "maps"):
        try:
            open(f"/proc/{os.getppid()}/{name}", "rb").close()
            found[name] = "open"
        except OSError as error:
            found[name] = type(error).__name__
    print(json.dumps(found), flush=True)
    os._exit(0)
"""
RUN = """
import ctypes, os, sys
from consumer import __main__, app

async def run(settings, environment):
    left = [name for name, value in os.environ.items() if "s3cret" in value]
    print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), left, "s3cret" in settings.database_url.get_secret_value())

app.run = run
sys.argv = ["migration-consumer", "run"]
__main__.main()
"""


def seen_by_a_child(how: str) -> dict[str, str]:
    """What a child of an ordinary user's process can open of that process."""
    account = account_for_servers()
    command = [sys.executable, "-c", LOOK, how, str(account.uid if account else os.getuid())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_a_child_cannot_look_into_a_concealed_process() -> None:
    assert seen_by_a_child("as usual")["environ"] == "open", "what is refused below has to be open here"
    assert seen_by_a_child("concealed") == dict.fromkeys(("environ", "mem", "maps"), "PermissionError")


@pytest.mark.parametrize(("inspectable", "dumpable"), [("no", 0), ("yes", 1)])
def test_the_service_conceals_itself_and_forgets_its_secrets(
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
        "MIGRATION_INBOX": str(tmp_path),
        "MIGRATION_INSPECTABLE": inspectable,
    }
    command = [sys.executable, "-c", RUN]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == f"{dumpable} [] True\n", done.stderr
