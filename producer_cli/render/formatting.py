"""Numbers, times and codes as people read them."""

from collections.abc import Mapping
from datetime import timedelta

from schemas.codes import WarningCode

WARNING_TEXTS: Mapping[str, str] = {
    WarningCode.DATE: "date not understood, left empty",
    WarningCode.DATE_IN_TEXT: "Excel made a date of a text",
    WarningCode.ERROR_TEXT: "a typed text is spelled like an error",
    WarningCode.FORMULA_WITHOUT_VALUE: "a formula without a stored result, left empty",
    WarningCode.FLAG: "yes/no not understood, taken as no",
    WarningCode.INN_AMBIGUOUS: "several universities of one ИНН, the first taken",
    WarningCode.INN_CHECK_DIGIT: "check digits of the ИНН do not agree",
    WarningCode.INN_ZERO_RESTORED: "leading zero of the ИНН put back",
    WarningCode.KPP_ZERO_RESTORED: "leading zero of the КПП put back",
    WarningCode.NO_HEADER: "no header, columns A to D taken as ИНН, КПП, link, phone",
    WarningCode.NOT_RECALCULATED: "formulas that no program has calculated since the last change",
    WarningCode.PHONE: "phone not understood, left out",
    WarningCode.PHONE_EXTENSION: "extension of a phone left out",
    WarningCode.SOURCE_CHANGED: "rows stored already went or changed, read from the top again",
    WarningCode.SOURCE_RESTARTED: "the source changed, read from the top again",
}
"""What each warning means. A code that is not here, of a newer service, is shown alone."""


def format_count(number: int) -> str:
    """155000 → `155,000`."""
    return f"{number:,}"


def format_duration(seconds: float) -> str:
    """62 → `1:02`, 3723 → `1:02:03`; never negative."""
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def format_age(elapsed: timedelta) -> str:
    """How long ago, in one unit: `12 s`, `5 min`, `3 h`, `2 d`."""
    seconds = max(0, int(elapsed.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def format_size(size_bytes: int) -> str:
    """15728640 → `15.0 MB` (of 2^20)."""
    for unit, step in (("GB", 2**30), ("MB", 2**20), ("KB", 2**10)):
        if size_bytes >= step:
            return f"{size_bytes / step:.1f} {unit}"
    return f"{size_bytes} bytes"


def format_percent(done: int, total: int | None) -> str | None:
    """Whole percents rounded down, so that 100 % means all; None where the total is not known."""
    return f"{min(100, 100 * done // total)} %" if total else None


def warning_text(code: str) -> str:
    """What a warning code means, or nothing."""
    return WARNING_TEXTS.get(code, "")
