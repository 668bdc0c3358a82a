"""Decides what the next reading of a job's source does with the rows; pure.

A job reads its source once: it loads the rows, or in a dry run checks them. A job that stores all rows or
none reads it twice: the first pass checks the rows, and the second one loads them if the check passed.
"""

from dataclasses import dataclass

from schemas.status import Phase


@dataclass(frozen=True, slots=True)
class Pass:
    """One reading. `starts` is False where it continues from the checkpoint of its phase.

    `checked_fingerprint` is the source that must be read, None for whichever there is.
    """

    phase: Phase
    starts: bool = False
    checked_fingerprint: str | None = None


def current_pass(phase: Phase, *, checks_first: bool, checked_fingerprint: str | None) -> Pass:
    """The pass of a job in `phase`, the one its counters belong to.

    `checks_first`: it stores all rows or none. `checked_fingerprint`: the source that passed its check, None
    before, and after it was found changed.
    """
    if not checks_first:
        return Pass(phase)
    wanted = Phase.CHECK if checked_fingerprint is None else Phase.LOAD
    return Pass(wanted, phase is not wanted, checked_fingerprint)
