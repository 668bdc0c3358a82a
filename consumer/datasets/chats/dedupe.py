"""The first row wins within one load: which row is the first of its link, of its link and phone."""

from collections.abc import Sequence

TRUE, FALSE = "t", "f"


class FirstSeen:
    """Remembers every link of the load with its first phone, further phones apart: most links have one."""

    def __init__(self) -> None:
        self._first_phones: dict[str, str] = {}
        self._other_phones: set[tuple[str, str]] = set()

    def mark(self, urls: Sequence[str], phones: Sequence[str]) -> tuple[list[str], list[str]]:
        """Per row: is it the first of its link, and the first with this phone of this link."""
        chats, administrators = [], []
        known = self._first_phones.get
        for url, phone in zip(urls, phones, strict=True):
            owner = known(url)
            if owner is None:
                self._first_phones[url] = phone
            chats.append(TRUE if owner is None else FALSE)
            administrators.append(
                TRUE if phone and (owner is None or self._is_new_phone(url, phone, owner)) else FALSE
            )
        return chats, administrators

    def _is_new_phone(self, url: str, phone: str, first_phone: str) -> bool:
        if phone == first_phone or (url, phone) in self._other_phones:
            return False
        self._other_phones.add((url, phone))
        return True
