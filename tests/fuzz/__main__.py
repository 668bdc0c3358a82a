"""`make fuzz`: runs schemathesis against the service, first without tokens, then with tokens."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from devstack.errors import StackError
from devstack.signals import exit_on_sigterm
from devstack.stack import Stack
from devstack.stack_kinds import start_stack
from tests.fuzz.run import FuzzResult, fuzz
from tests.fuzz.target import make_target
from tests.support.harness import Harness

TOKEN_MODES = {"both": (False, True), "without": (False,), "with": (True,)}
MIN_ACCEPTED_SHARE = 0.6
"""The minimum share of valid POSTs that are answered with 2xx."""


def main() -> int:
    """Run all modes; returns 0 if schemathesis found no failure and enough POSTs were accepted."""
    arguments = _parser().parse_args()
    exit_on_sigterm()
    try:
        with start_stack() as stack:
            results = [
                _run(stack, arguments.options, arguments.seed, tokens=tokens)
                for tokens in TOKEN_MODES[arguments.tokens]
            ]
    except StackError as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return 1
    return 0 if all(results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed generates the same examples")
    parser.add_argument(
        "--tokens", choices=TOKEN_MODES, default="both", help="whether the service requires tokens"
    )
    parser.add_argument("options", nargs="*", help="options for schemathesis, after --: -- --max-examples 50")
    return parser


def _run(stack: Stack, options: Sequence[str], seed: int, *, tokens: bool) -> bool:
    print(f"\n== {'with' if tokens else 'without'} tokens ==", flush=True)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        harness = Harness(stack, Path(folder))
        try:
            target = make_target(harness, tokens=tokens)
            result = fuzz(target, Path(folder), *options, seed=seed, show_output=True)
        finally:
            harness.close()
    _show(result)
    return result.exit_code == 0 and result.accepted_share >= MIN_ACCEPTED_SHARE


def _show(result: FuzzResult) -> None:
    print("\nValid POSTs that were answered with 2xx:")
    for operation, (accepted, total) in sorted(result.accepted.items()):
        print(f"  {operation:<20}{accepted:>6} of {total:>5}  {accepted / total:>5.0%}")
    print(f"  {'all':<20}{'':>15}  {result.accepted_share:>5.0%}   ({len(result.responses):,} requests)")


if __name__ == "__main__":
    sys.exit(main())
