"""The pages for people use the terms of the glossary: words that hide a common term do not come back.

Code, names in backticks and targets of links are not prose and are not looked at.
"""

import re

import pytest

from tests.support.doc_pages import ROOT, read_page

BANNED = (
    r"told",
    r"untold",
    r"hears?|heard|hearing",
    r"stands?|stood|standing",
    r"lies?|lying|lay",
    r"anew",
    r"rooms?",
    r"houses?|housekeeping",
    r"lets? in|letting in",
    r"ma[dk]e good|makes good|making good",
    r"nobody",
    r"of no more use",
    r"said|says? nothing",
    r"wish|wishes|wished",
    r"letters?",
    r"workshops?",
    r"keepers?",
    r"burns?|burned|burnt",
    r"take-overs?",
)
"""Patterns of whole words, without case."""

ALLOWED_IN = {
    "*": ("dead letter", "dead letters", "dead-letter", "stand-in", "stand-ins"),
    "CHANGELOG.md": ("letters of another alphabet", "composed letters"),
    "docs/chats.md": (
        "letters and digits",
        "called by its letter",
        "a letter of another alphabet",
        "which letters they are",
        "fifth and sixth may be letters",
        "two letters or more",
        "decomposed letters",
        "the number of a house",
    ),
    "docs/configuration.md": ("names are letters, digits",),
    "docs/errors.md": ("letters are of another alphabet", "composed letters find decomposed ones"),
}
"""Phrases in which such a word is the right one: everywhere, or on one page."""

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
WORD = re.compile(rf"\b(?:{'|'.join(BANNED)})\b", re.IGNORECASE)
NOT_PROSE = re.compile(r"^```.*?^```|`[^`\n]+`|\]\([^)]*\)|https?://\S+", re.MULTILINE | re.DOTALL)


def _find_banned(text: str, literal: tuple[str, ...] = ()) -> list[str]:
    """Each banned word of a text, with its line."""
    prose = NOT_PROSE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    for phrase in literal:
        prose = re.sub(
            rf"\b{re.escape(phrase)}\b", lambda match: "." * len(match[0]), prose, flags=re.IGNORECASE
        )
    lines = text.splitlines()
    return [
        f"{number}: {match[0]}: {lines[number - 1].strip()}"
        for match in WORD.finditer(prose)
        for number in [prose.count("\n", 0, match.start()) + 1]
    ]


@pytest.mark.parametrize("name", PAGES)
def test_no_page_uses_a_banned_word(name: str) -> None:
    found = _find_banned(read_page(name), ALLOWED_IN["*"] + ALLOWED_IN.get(name, ()))
    assert found == [], "say it with a term of docs/glossary.md:\n" + "\n".join(found)


@pytest.mark.parametrize("name", [name for name in ALLOWED_IN if name != "*"])
def test_every_exception_is_needed(name: str) -> None:
    text = read_page(name).lower()
    assert [phrase for phrase in ALLOWED_IN[name] if phrase.lower() not in text] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The job is told.", ["told"]),
        ("Begun ANEW, by nobody.", ["ANEW", "nobody"]),
        ("The letters of a word", ["letters"]),
        ("It makes good on it", ["makes good"]),
        ("Understanding a household", []),
        ("`consumer/intake/dead_letters.py` and [a page](letters.md#told)", []),
        ("A dead letter", []),
        ("```sh\ntold\n```\n\nsaid", ["said"]),
    ],
)
def test_words_are_found_in_prose_alone(text: str, words: list[str]) -> None:
    assert [line.split(": ")[1] for line in _find_banned(text, ALLOWED_IN["*"])] == words
