"""`make soak SECONDS=600 SEED=7`: random jobs under random faults, then the oracle; exits 1 on a finding."""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from devstack.signals import exit_on_sigterm
from tests.soak import plan as plans
from tests.soak import report
from tests.soak.log import SoakLog
from tests.soak.run import run_soak


def main() -> int:
    """Make the plan of the seed, carry it out, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long things break")
    parser.add_argument("--seed", type=int, help="of the plan; a random one when absent")
    arguments = parser.parse_args()
    seed = int(time.time()) % 100_000 if arguments.seed is None else arguments.seed
    plan = plans.make_plan(seed, arguments.seconds)
    exit_on_sigterm()
    folder = Path(tempfile.mkdtemp(prefix=f"soak-{seed}-"))
    folder.chmod(0o755)  # servers may run as another account
    print(f"soak: seed {seed}, {arguments.seconds:.0f} s, logs in {folder}", flush=True)
    log = SoakLog(lambda line: print(line, flush=True))
    began = time.monotonic()
    run_soak(plan, folder, log)
    print(f"\n{report.format_report(plan, log, time.monotonic() - began)}", flush=True)
    if log.findings:
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
