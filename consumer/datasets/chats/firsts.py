"""The first row wins within one load: which row is the first of its link, of its link and phone."""

from collections.abc import Sequence

YES, NO = "t", "f"


class Firsts:
    """Remembers every link of the load with its first phone, further phones apart: most links have one."""

    def __init__(self) -> None:
        self._phones: dict[str, str] = {}
        self._further: set[tuple[str, str]] = set()

    def flags(self, urls: Sequence[str], phones: Sequence[str]) -> tuple[list[str], list[str]]:
        """Per row: is it the first of its link, and the first with this phone of this link."""
        chats, administrators = [], []
        known = self._phones.get
        for url, phone in zip(urls, phones, strict=True):
            owner = known(url)
            if owner is None:
                self._phones[url] = phone
            chats.append(YES if owner is None else NO)
            administrators.append(YES if phone and (owner is None or self._is_new(url, phone, owner)) else NO)
        return chats, administrators

    def _is_new(self, url: str, phone: str, owner: str) -> bool:
        if phone == owner or (url, phone) in self._further:
            return False
        self._further.add((url, phone))
        return True
