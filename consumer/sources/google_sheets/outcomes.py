"""How one call to Google can end without an answer: it is for the caller to wait, repeat or give up."""

from consumer.sources.google_sheets.answers import Verdict


class QuotaUsedUp(Exception):
    """Google asks to wait, for `seconds` where it says how long."""

    def __init__(self, seconds: float | None = None) -> None:
        super().__init__("the quota is used up")
        self.seconds = seconds


class Mishap(Exception):
    """No answer, or a broken one, as networks and servers have them; the text says which."""


class Refused(Exception):
    """Google says no, and will say it again."""

    def __init__(self, verdict: Verdict, status: int) -> None:
        super().__init__(f"status {status}")
        self.verdict = verdict
        self.status = status
